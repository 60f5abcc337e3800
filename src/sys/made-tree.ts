// SPDX-License-Identifier: Apache-2.0
// A directory made for a moment, for a program to change: what it holds afterwards is read back.
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { MadeEntry } from '../model/index.ts';
import { SlipwayError } from '../model/index.ts';
import { fillDirectory } from './run-directory.ts';

export type MadeTree = {
  /**
   * Runs a program in the directory, without any variable but PATH; what it says goes to this process's stderr, since
   * stdout is the command's.
   */
  readonly run: (
    argv: readonly [string, ...string[]],
    timeoutMs: number,
  ) => { readonly status: number | null; readonly signal: string | null; readonly error?: Error };
  /** @throws SlipwayError `shifter-layer-too-large`; other kinds of files than directories, files and links are left out. */
  readonly read: () => readonly MadeEntry[];
};

const maxEntries = 10_000;
const maxBytes = 64 << 20;

/** Makes the tree, lets `use` work on it, and removes it. */
export function withMadeTree<T>(entries: readonly MadeEntry[], use: (tree: MadeTree) => T): T {
  const root = mkdtempSync('/tmp/slipway-layer-');
  try {
    fillDirectory(root, entries);
    return use({ run: (argv, timeoutMs) => runIn(root, argv, timeoutMs), read: () => readTree(root) });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function runIn(
  root: string,
  [program, ...words]: readonly [string, ...string[]],
  timeoutMs: number,
): ReturnType<MadeTree['run']> {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const { status, signal, error } = spawnSync(program, words, {
    cwd: root,
    env: { PATH: '/usr/bin:/usr/sbin:/bin:/sbin' },
    stdio: ['ignore', 2, 2],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  return { status, signal, ...(error === undefined ? {} : { error }) };
}

function readTree(root: string): readonly MadeEntry[] {
  const entries: MadeEntry[] = [];
  let bytes = 0;
  const walk = (directory: string): void => {
    for (const name of readdirSync(join(root, directory)).sort()) {
      const path = directory === '' ? name : `${directory}/${name}`;
      const full = join(root, path);
      const stats = lstatSync(full);
      bytes += stats.isFile() ? stats.size : 0;
      if (entries.length >= maxEntries || bytes > maxBytes) {
        throw new SlipwayError('shifter-layer-too-large', { limitEntries: maxEntries, limitBytes: maxBytes });
      }
      if (stats.isSymbolicLink()) entries.push({ path, kind: 'link', target: readlinkSync(full) });
      else if (stats.isFile()) {
        const content = readFileSync(full, 'utf8');
        entries.push({ path, kind: 'file', content, ...((stats.mode & 0o100) === 0 ? {} : { isExecutable: true }) });
      } else if (stats.isDirectory()) {
        entries.push({ path, kind: 'directory' });
        walk(path);
      }
    }
  };
  walk('');
  return entries;
}
