// SPDX-License-Identifier: Apache-2.0
// `slipway wrap jupyter|module`: what lets other programs find an installation.
import { basename, dirname, join, resolve } from 'node:path';
import { SlipwayError } from '../../model/index.ts';
import { isOurs, kernelSpec, luaModule, readRecord, tclModule } from '../../wrap/index.ts';
import { ensureDirectory, statIfPresent, writeFileAtomic } from '../../sys/files.ts';
import { printable } from '../terminal/printable.ts';
import type { CommandContext } from './context.ts';
import { wrap } from './descriptions/wrap.ts';
import { usageError } from './read-command-line.ts';
import type { WrapLine } from './wrap-install.ts';

export async function runCompanion(line: WrapLine, { environment }: CommandContext): Promise<number> {
  const [verb = '', directory = ''] = line.operands;
  const prefix = resolve(environment.workingDirectory, directory);
  if (!isOurs(prefix)) throw new SlipwayError('wrap-no-installation', { path: prefix });
  const name = line.value('name') ?? basename(prefix);
  const output = line.value('output');
  const given = output === undefined ? undefined : resolve(environment.workingDirectory, output);
  const files =
    verb === 'jupyter'
      ? await kernelFiles(prefix, name, given ?? kernelDirectory(name, environment.variables))
      : moduleFiles(prefix, name, given ?? join(prefix, 'modulefiles'));
  for (const [path, text] of files) {
    await ensureDirectory(dirname(path), { mode: 0o777 });
    await writeFileAtomic(path, text, { mode: 0o644 });
    environment.stdout.write(`${path}\n`);
  }
  if (verb === 'jupyter' && (await lacksKernel(prefix))) {
    environment.stderr.write(
      `slipway: warning: the kernel can't start: ipykernel is not in ${printable(prefix)}, but can be added with slipway wrap --update\n`,
    );
  }
  return 0;
}

/** By its record, where it says of packages at all. */
async function lacksKernel(prefix: string): Promise<boolean> {
  const record = await readRecord(prefix).catch(() => undefined);
  const packages = [...(record?.conda ?? []), ...(record?.pip ?? [])];
  return packages.length > 0 && packages.every(({ name }) => name !== 'ipykernel');
}

async function kernelFiles(
  prefix: string,
  name: string,
  directory: string,
): Promise<readonly (readonly [string, string])[]> {
  if ((await statIfPresent(join(prefix, 'bin/python'))) === undefined) {
    throw new SlipwayError('wrap-source-missing', { path: join(prefix, 'bin/python'), what: 'interpreter' });
  }
  return [[join(directory, 'kernel.json'), kernelSpec(prefix, name)]];
}

/** Where Jupyter looks for a user's kernels: names of lower-case letters, digits, `-`, `_` and `.`. */
function kernelDirectory(name: string, variables: Readonly<Record<string, string | undefined>>): string {
  const data = variables['JUPYTER_DATA_DIR'] ?? join(variables['HOME'] ?? '/', '.local/share/jupyter');
  return join(data, 'kernels', name.toLowerCase().replaceAll(/[^a-z0-9._-]+/g, '-'));
}

/** `NAME/VERSION` is two levels, as modules have them. */
function moduleFiles(prefix: string, name: string, directory: string): readonly (readonly [string, string])[] {
  const file = name
    .split('/')
    .filter((part) => !/^\.*$/.test(part))
    .join('/');
  if (file === '') throw usageError(wrap, `"${name}" is no name for a module`);
  return [
    [join(directory, `${file}.lua`), luaModule(prefix, name)],
    [join(directory, file), tclModule(prefix, name)],
  ];
}
