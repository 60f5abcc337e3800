// SPDX-License-Identifier: Apache-2.0
// Every command that is installed, with its subcommands: man pages, completions and docs/reference are made from this.
import { charliecloudCommands } from '../src/faces/charliecloud/descriptions.ts';
import { sarusTree } from '../src/faces/sarus/command-tree.ts';
import { shifter } from '../src/faces/shifter/description.ts';
import { setupRoot, unsetupRoot } from '../src/faces/shifter/prepare/description.ts';
import { shifterimg } from '../src/faces/shifter/shifterimg/options.ts';
import { completionTree } from '../src/faces/slipway/commands.ts';
import { tykkyTrees } from '../src/faces/tykky/descriptions.ts';
import type { CommandDescription, CompletionTree } from '../src/formats/getopt/index.ts';

const { listImages } = completionTree;

/** A command without subcommands. */
function single(command: CommandDescription): CompletionTree {
  return { command, subcommands: [], listImages };
}

/** In the order of the documentation. */
export const commandTrees: readonly CompletionTree[] = [
  completionTree,
  ...charliecloudCommands.map(single),
  sarusTree,
  ...[shifter, shifterimg, setupRoot, unsetupRoot].map(single),
  ...tykkyTrees,
];

/** Names in scripts/commands.txt that nobody types at a prompt, and so have no page: what starts them documents them. */
export const commandsWithoutPages: ReadonlySet<string> = new Set([
  'mount_hook',
  'mpi_hook',
  'glibc_hook',
  'amdgpu_hook',
  'timestamp_hook',
  'slurm_global_sync_hook',
]);
