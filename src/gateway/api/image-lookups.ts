// SPDX-License-Identifier: Apache-2.0
// READY images by their tags, kept while the records say that nothing has changed. That is asked at most every few
// milliseconds: of thousands of lookups a second most then cost no query. What is not found is not kept, so an image is
// seen as soon as it is READY.
import type { GatewayContext } from '../context.ts';
import type { ImageName, ImageRecord } from '../records/types.ts';
import { imageBody } from './image-body.ts';

export type FoundImage = { readonly record: ImageRecord; readonly body: Buffer };

export type ImageLookups = {
  readonly find: (name: ImageName) => Promise<FoundImage | undefined>;
  /** This process has changed the images of a system: the next lookup asks. */
  readonly changed: (system: string) => void;
};

const checkedMs = 25;
const mostKept = 50_000;

type Kept = {
  generation: string;
  checkedAtMs: number;
  checking: Promise<string> | undefined;
  found: Map<string, FoundImage>;
};

export function createImageLookups({ records, clock, tellsLabels }: GatewayContext): ImageLookups {
  const systems = new Map<string, Kept>();
  /** What is kept of a system, emptied where the records have changed since. */
  const keptOf = async (system: string): Promise<Kept> => {
    const kept: Kept = systems.get(system) ?? {
      generation: '',
      checkedAtMs: -checkedMs,
      checking: undefined,
      found: new Map(),
    };
    systems.set(system, kept);
    if (clock.monotonicMs() - kept.checkedAtMs < checkedMs) return kept;
    kept.checking ??= records.generation(system).finally(() => {
      kept.checking = undefined;
    });
    const generation = await kept.checking;
    if (generation !== kept.generation || kept.found.size > mostKept) kept.found = new Map();
    kept.generation = generation;
    kept.checkedAtMs = clock.monotonicMs();
    return kept;
  };
  return {
    changed: (system) => {
      const kept = systems.get(system);
      if (kept !== undefined) kept.checkedAtMs = -checkedMs;
    },
    find: async (name) => {
      const kept = await keptOf(name.system);
      const key = `${name.itype} ${name.tag}`;
      const held = kept.found.get(key);
      if (held !== undefined) return held;
      const { found } = kept;
      const record = await records.findReady(name);
      if (record === undefined) return undefined;
      const fresh = { record, body: Buffer.from(imageBody(record, { tellsLabels })) };
      // Into the map that was current before the question: a change since then has replaced it.
      found.set(key, fresh);
      return fresh;
    },
  };
}
