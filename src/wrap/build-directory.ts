// SPDX-License-Identifier: Apache-2.0
// The directory in which an installation is made: on local disk or in memory, since it holds all its small files.
import { randomInt } from 'node:crypto';
import { isAbsolute } from 'node:path';
import { describeError, SlipwayError } from '../model/index.ts';
import { ensureDirectory, removeTree } from '../sys/files.ts';
import { makeDirectory } from '../sys/place-files.ts';
import { openForRemoval } from '../sys/open-for-removal.ts';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const maxVariables = 10;

/** Replaces `$NAME` and `${NAME}`; what is not set becomes nothing. @throws SlipwayError `wrap-build-directory` */
export function expandBuildBase(value: string, variables: Readonly<Record<string, string | undefined>>): string {
  let count = 0;
  const path = value.replaceAll(/\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))/g, (_, braced, plain) => {
    count += 1;
    return variables[String(braced ?? plain)] ?? '';
  });
  if (count > maxVariables) {
    throw new SlipwayError('wrap-build-directory', {
      path,
      value,
      reason: `it has more than ${maxVariables} variables`,
    });
  }
  if (!isAbsolute(path)) {
    throw new SlipwayError('wrap-build-directory', { path, value, reason: 'Build directory path is not absolute' });
  }
  return path;
}

/** Makes `BASE/cw-XXXXXX`, private to its user. @throws SlipwayError `wrap-build-directory` */
export async function makeBuildDirectory(base: string, value: string): Promise<string> {
  const name = Array.from({ length: 6 }, () => letters[randomInt(letters.length)]).join('');
  const path = `${base.replace(/\/+$/, '')}/cw-${name}`;
  try {
    await ensureDirectory(base, { mode: 0o777 });
    makeDirectory(path, 0o700);
  } catch (cause) {
    throw new SlipwayError('wrap-build-directory', { path: base, value, reason: describeError(cause) }, { cause });
  }
  return path;
}

/** Removes it with all that an installer has left there, directories without write permission included. */
export async function removeBuildDirectory(path: string): Promise<void> {
  openForRemoval(path);
  await removeTree(path);
}
