// SPDX-License-Identifier: Apache-2.0
import { checkStore, type StoreFault } from '../../image/index.ts';
import { printable } from '../terminal/printable.ts';
import { formatCount, formatSize } from '../terminal/units.ts';
import type { CommandContext } from './context.ts';
import { fsck } from './descriptions/fsck.ts';
import { readCommandLine } from './read-command-line.ts';
import { openUserStore } from './store.ts';

/** As fsck(8): errors are left. */
const faultsLeftStatus = 4;

export async function run(argv: readonly string[], { environment, signal }: CommandContext): Promise<number> {
  const { stdout, stderr } = environment;
  const line = readCommandLine(fsck, argv);
  const store = await openUserStore(environment);
  const faults: (StoreFault & { readonly isRepaired: boolean })[] = [];
  const left = await checkStore({
    store: store.path,
    isThorough: !line.has('quick'),
    isRepairing: line.has('repair'),
    wait: {
      signal,
      emit: ({ what, heldBy }) => stderr.write(`waiting for ${printable(what)}, held by ${printable(heldBy)}\n`),
    },
    onFault: (fault, isRepaired) => {
      faults.push({ ...fault, isRepaired });
      if (line.has('json')) return;
      const outcome = isRepaired ? ' (removed)' : '';
      stdout.write(`${fault.kind}: ${printable(fault.path)}: ${printable(fault.reason)}${outcome}\n`);
    },
    onImage: (digest, sizeBytes) => {
      if (stderr.isTerminal) stderr.write(`reading ${digest}, ${formatSize(sizeBytes)}\n`);
    },
  });
  if (line.has('json')) stdout.write(`${JSON.stringify(faults, undefined, 2)}\n`);
  const repaired = faults.length - left;
  stderr.write(`${store.path}: ${formatCount(faults.length, 'fault')}${repaired > 0 ? `, ${repaired} removed` : ''}\n`);
  return left === 0 ? 0 : faultsLeftStatus;
}
