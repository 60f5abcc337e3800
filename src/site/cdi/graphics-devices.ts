// SPDX-License-Identifier: Apache-2.0
// Device nodes of AMD's and Intel's graphics processors, as the kernel's drivers lay them out: a card and a render node
// for each, which /dev/dri/by-path pairs by the address on the bus, and /dev/kfd beside all of AMD's.
import { posix } from 'node:path';
import type { Inputs } from '../../sys/inputs.ts';

export type GraphicsInputs = Pick<Inputs, 'kindOf' | 'listDirectory' | 'entryAt' | 'readText'>;

export type GraphicsDevice = {
  /** The number of its card node. */
  readonly index: number;
  readonly vendor: 'amd' | 'intel' | 'other';
  readonly nodes: readonly string[];
};

/** PCI's numbers of vendors. */
const vendors: Readonly<Record<string, GraphicsDevice['vendor']>> = { '0x1002': 'amd', '0x8086': 'intel' };
const directory = '/dev/dri';

/** All that are there, in the order of their cards' numbers. */
export function findGraphicsDevices(inputs: GraphicsInputs): readonly GraphicsDevice[] {
  const pairs = renderNodesByCard(inputs);
  return (inputs.listDirectory(directory) ?? [])
    .flatMap((name) => {
      const index = /^card(\d+)$/.exec(name)?.[1];
      return index === undefined ? [] : [Number(index)];
    })
    .toSorted((a, b) => a - b)
    .map((index) => {
      const render = pairs.get(`card${index}`);
      const vendor = inputs.readText(`/sys/class/drm/card${index}/device/vendor`)?.trim() ?? '';
      const names = [`card${index}`, ...(render === undefined ? [] : [render])];
      return { index, vendor: vendors[vendor] ?? 'other', nodes: names.map((name) => posix.join(directory, name)) };
    });
}

/** `pci-0000:c1:00.0-card` and `pci-0000:c1:00.0-render` are links to the two nodes of one processor. */
function renderNodesByCard(inputs: GraphicsInputs): ReadonlyMap<string, string> {
  const byPath = posix.join(directory, 'by-path');
  const targetOf = (name: string): string | undefined => {
    const entry = inputs.entryAt(posix.join(byPath, name));
    return entry?.kind === 'link' ? posix.basename(entry.target) : undefined;
  };
  const pairs = new Map<string, string>();
  for (const name of inputs.listDirectory(byPath) ?? []) {
    if (!name.endsWith('-card')) continue;
    const card = targetOf(name);
    const render = targetOf(`${name.slice(0, -'card'.length)}render`);
    if (card !== undefined && render !== undefined) pairs.set(card, render);
  }
  return pairs;
}
