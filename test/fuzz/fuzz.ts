// SPDX-License-Identifier: Apache-2.0
// Fuzzes parsers: `node test/fuzz/fuzz.ts [--seconds N] [--seed N] [TARGET…]`, each target for N seconds (30). An input
// is made from a number; one that fails is told by it, and `--seed NUMBER --seconds 0` makes it again.
import { parseArgs } from 'node:util';
import { createRandom } from './random.ts';
import { squashfsTarget } from './squashfs-target.ts';
import { layersTarget, tarTarget } from './tar-target.ts';
import type { FuzzTarget } from './target.ts';
import { manifestTarget, referenceTarget } from './text-targets.ts';

export const fuzzTargets: readonly FuzzTarget[] = [
  tarTarget,
  layersTarget,
  squashfsTarget,
  manifestTarget,
  referenceTarget,
];

export type FuzzTally = { accepted: number; refused: number };

/** Attempts from `seed` on until `isEnough`; at least one. @throws what does not hold, with the seed in its message */
export async function fuzz(target: FuzzTarget, seed: number, isEnough: (count: number) => boolean): Promise<FuzzTally> {
  const tally = { accepted: 0, refused: 0 };
  for (let count = 1; ; count += 1) {
    try {
      tally[await target.attempt(createRandom(seed + count - 1))] += 1;
    } catch (error) {
      throw new Error(`${target.name}: input ${seed + count - 1}: ${String(error)}`, { cause: error });
    }
    if (isEnough(count)) return tally;
  }
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { seconds: { type: 'string', default: '30' }, seed: { type: 'string' } },
    allowPositionals: true,
  });
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
  const wanted = fuzzTargets.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  for (const target of wanted) {
    const end = performance.now() + Number(values.seconds) * 1000;
    const { accepted, refused } = await fuzz(target, seed, () => performance.now() >= end);
    process.stdout.write(`${target.name}: ${accepted + refused} inputs from ${seed} on, ${refused} refused\n`);
  }
}
