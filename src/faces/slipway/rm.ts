// SPDX-License-Identifier: Apache-2.0
import { formatImageReference } from '../../model/index.ts';
import type { Removal } from '../../image/index.ts';
import { errorText, exitStatusOf } from '../terminal/error-text.ts';
import { printable } from '../terminal/printable.ts';
import { formatSize } from '../terminal/units.ts';
import type { CommandContext } from './context.ts';
import { rm } from './descriptions/rm.ts';
import { readCommandLine, usageError } from './read-command-line.ts';
import { openUserStore } from './store.ts';

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const line = readCommandLine(rm, argv);
  const { stdout, stderr, clock } = context.environment;
  if (line.operands.length === 0 && !line.has('untagged')) throw usageError(rm, 'IMAGE is missing');
  const store = await openUserStore(context.environment);
  const wait = {
    signal: context.signal,
    emit: ({ what, heldBy }: { readonly what: string; readonly heldBy: string }) => {
      if (!line.has('quiet')) stderr.write(`waiting for ${printable(what)}, held by ${printable(heldBy)}\n`);
    },
  };

  let freedBytes = 0;
  const report = ({ untagged, removed, freedBytes: bytes }: Removal): void => {
    freedBytes += bytes;
    if (line.has('quiet')) return;
    for (const reference of untagged) stdout.write(`${formatImageReference(reference)}\n`);
    if (removed !== undefined) stdout.write(`${removed}\n`);
  };
  // As rm(1) does: what can be removed is, and the status tells of what could not.
  let status = 0;
  for (const name of line.operands) {
    try {
      report(await store.remove(name, wait));
    } catch (error) {
      context.signal.throwIfAborted();
      stderr.write(errorText('slipway', error, false));
      status = status === 0 ? exitStatusOf(error) : status;
    }
  }
  if (line.has('untagged')) {
    for (const removal of await store.removeUntagged(wait)) report(removal);
    freedBytes += await store.sweep(clock.now(), wait);
  }
  if (!line.has('quiet') && (freedBytes > 0 || status === 0)) stderr.write(`${formatSize(freedBytes)} freed\n`);
  return status;
}
