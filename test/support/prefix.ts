// SPDX-License-Identifier: Apache-2.0
// The Slipway under test: the checkout's own built tree where the test user can reach it, else an installed copy.
import { createHash } from 'node:crypto';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { runOk } from './command.ts';
import { devCache } from './dev-cache.ts';
import { isRoot } from './needs.ts';

const checkout = resolve(import.meta.dirname, '../..');
let installed: Promise<string> | undefined;

/** A prefix (bin, lib, libexec, share) that every user of this machine can read and execute. */
export async function slipwayPrefix(): Promise<string> {
  if (!existsSync(join(checkout, 'bin/slipway')))
    await runOk([join(checkout, 'scripts/build')], { timeoutMs: 600_000 });
  const parts = ['bin/slipway', 'lib/slipway/main.mjs', 'libexec/slipway/node'];
  if (!isRoot() || parts.every((part) => isOpenToAll(join(checkout, part)))) return checkout;
  installed ??= installCopy(
    join(devCache(), `prefix-${createHash('sha256').update(checkout).digest('hex').slice(0, 12)}`),
  );
  return installed;
}

/** Test files run side by side: one installs, the others find it done. The launcher knows its sources. */
async function installCopy(copy: string): Promise<string> {
  const script = 'cmp -s bin/slipway "$1/bin/slipway" || ./install "$1"';
  await runOk(['flock', `${copy}.lock`, 'sh', '-c', script, 'sh', copy], { cwd: checkout, timeoutMs: 600_000 });
  return copy;
}

/** Whether everyone can read the file and pass each directory above it, symbolic links followed. */
function isOpenToAll(path: string): boolean {
  const real = realpathSync(path);
  if ((statSync(real).mode & 0o004) === 0) return false;
  for (let folder = dirname(real); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === '/') return true;
  }
}
