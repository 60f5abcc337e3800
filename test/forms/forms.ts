// SPDX-License-Identifier: Apache-2.0
// What the tests of conversion start from.
import { join } from 'node:path';
import { makeSampleTree } from '../squashfs/sample-tree.ts';
import { run, type CommandResult } from '../support/command.ts';
import { slipwayPrefix } from '../support/prefix.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { listTree } from './listing.ts';
import { mkdirSync } from 'node:fs';

/** Device files are left out of every form, named pipes of directories. */
export function isLeftOut(_: string, kind: string): boolean {
  return kind === 'character-device' || kind === 'block-device' || kind === 'fifo';
}

export type Forms = {
  /** A directory with a tree of everything; `is` is what it holds that conversions keep. */
  readonly tree: string;
  readonly is: Readonly<Record<string, string>>;
  /** A path that does not exist, in a directory of the test's. */
  readonly path: (name: string) => string;
  readonly slipway: (...words: readonly string[]) => Promise<CommandResult>;
};

/** Runs the installed command as the user that tests run as. */
export async function makeForms(): Promise<Forms> {
  const directory = temporaryDirectory();
  const tree = join(directory, 'tree');
  mkdirSync(tree);
  makeSampleTree(tree, 128 * 1024);
  const prefix = await slipwayPrefix();
  const env = {
    PATH: `${prefix}/bin:/usr/bin:/bin`,
    HOME: directory,
    SLIPWAY_STORE: join(directory, 'store'),
    TMPDIR: directory,
    LANG: 'C.UTF-8',
  };
  return {
    tree,
    is: listTree(tree, { leavesOut: isLeftOut }),
    path: (name) => join(directory, name),
    slipway: async (...words) => await run([join(prefix, 'bin/slipway'), ...words], { cwd: directory, env }),
  };
}
