// SPDX-License-Identifier: Apache-2.0
import type { ConvertOptions } from '../convert/index.ts';
import type { TreeSink } from './tree.ts';

/** A sink that gives entries the owner and the latest time that the options say, and hands them to `sink`. */
export function adaptSink(
  sink: TreeSink,
  { owner, maxMtimeSec }: Pick<ConvertOptions, 'owner' | 'maxMtimeSec'>,
): TreeSink {
  if (owner === 'keep' && maxMtimeSec === undefined) return sink;
  return {
    ...sink,
    entry: (entry) =>
      sink.entry({
        ...entry,
        ...(owner === 'keep' ? {} : owner),
        mtimeSec: Math.min(entry.mtimeSec, maxMtimeSec ?? Infinity),
      }),
  };
}
