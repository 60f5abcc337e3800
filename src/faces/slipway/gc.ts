// SPDX-License-Identifier: Apache-2.0
import type { Collected } from '../../image/index.ts';
// The store's own door: see store.ts.
// oxlint-disable-next-line no-restricted-imports
import { collectGarbage, planCollection } from '../../image/store/index.ts';
import { printable } from '../terminal/printable.ts';
import { formatSize } from '../terminal/units.ts';
import { parseAge } from './ages.ts';
import type { CommandContext } from './context.ts';
import { gc } from './descriptions/gc.ts';
import { readCommandLine, usageError } from './read-command-line.ts';
import { parseSize } from './sizes.ts';
import { openUserStore } from './store.ts';

/** A job that began with an image before its name moved on may still run. */
const defaultAge = '1d';

export async function run(argv: readonly string[], { environment, signal }: CommandContext): Promise<number> {
  const { stdout, stderr, clock } = environment;
  const line = readCommandLine(gc, argv);
  const ageText = line.value('older-than') ?? defaultAge;
  const minAgeMs = parseAge(ageText);
  if (minAgeMs === undefined) throw usageError(gc, `--older-than: "${ageText}" is no age, e.g. 12h or 30d`);
  const packText = line.value('keep-layers');
  const maxPackBytes = packText === undefined ? undefined : parseSize(packText);
  if (packText !== undefined && maxPackBytes === undefined) {
    throw usageError(gc, `--keep-layers: "${packText}" is no size, e.g. 10G`);
  }
  const goal = { now: clock.now(), minAgeMs, ...(maxPackBytes === undefined ? {} : { maxPackBytes }) };
  const store = await openUserStore(environment);

  const all: Collected[] = [];
  const show = (each: Collected): void => {
    all.push(each);
    if (line.has('json')) return;
    const name = each.kind === 'image' ? each.digest : each.path;
    stdout.write(`${each.kind.padEnd(9)} ${formatSize(each.bytes).padStart(8)}  ${printable(name)}\n`);
  };
  const isDry = line.has('dry-run');
  if (isDry) for (const each of await planCollection(store.path, goal, signal)) show(each);
  else {
    await collectGarbage(store.path, goal, {
      signal,
      emit: ({ what, heldBy }) => stderr.write(`waiting for ${printable(what)}, held by ${printable(heldBy)}\n`),
      onRemoved: show,
    });
  }
  if (line.has('json')) stdout.write(`${JSON.stringify(all, undefined, 2)}\n`);
  const bytes = all.reduce((sum, each) => sum + each.bytes, 0);
  stderr.write(`${formatSize(bytes)} ${isDry ? 'could be freed; nothing was changed' : 'freed'}\n`);
  return 0;
}
