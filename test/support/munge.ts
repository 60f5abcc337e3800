// SPDX-License-Identifier: Apache-2.0
// A real munged beside a test, with a key and a socket of its own.
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findOnPath } from './needs.ts';
import { onEnd } from './on-end.ts';
import { startService } from './service.ts';

export const mungeCommands: readonly string[] = ['munged', 'munge'];

export type Munge = { readonly socket: string; readonly stop: () => Promise<void> };

/** Starts munged; it ends with the calling suite or test. `key` is another's, to be understood by it; a new one unless given. */
export async function startMunge(key: Buffer = randomBytes(1024)): Promise<Munge> {
  // munged wants directories that nobody else can write, all the way up but for sticky ones.
  const directory = mkdtempSync('/tmp/slipway-munge-');
  onEnd(() => rmSync(directory, { recursive: true, force: true }));
  chmodSync(directory, 0o755);
  const state = join(directory, 'state');
  mkdirSync(state, { mode: 0o700 });
  writeFileSync(join(state, 'key'), key, { mode: 0o600 });
  const socket = join(directory, 'socket');
  const service = await startService(
    [
      findOnPath('munged') ?? 'munged',
      '--foreground',
      '--force',
      `--key-file=${join(state, 'key')}`,
      `--socket=${socket}`,
      `--pid-file=${join(state, 'pid')}`,
      `--log-file=${join(state, 'log')}`,
      `--seed-file=${join(state, 'seed')}`,
    ],
    () => existsSync(socket),
  );
  return { socket, stop: service.stop };
}
