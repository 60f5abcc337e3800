// SPDX-License-Identifier: Apache-2.0
// The one reading of a layer: its entries, its contents, its limits, and whether it is what the image configuration says.
import { createHash, type Hash } from 'node:crypto';
import { createTarReader } from '../../formats/tar/index.ts';
import { type Digest, digestAlgorithm, SlipwayError } from '../../model/index.ts';
import type { ContentWriter } from '../squashfs/index.ts';
import { inLayer } from './layer-errors.ts';
import type { LayerFacts } from './layer-facts.ts';
import type { LayerIndex } from './layer-index.ts';
import type { ConvertLimits } from './options.ts';
import { readLayer } from './read-layer.ts';
import { createEntryRecorder, type LimitCounters } from './record-entries.ts';

/** A layer's archive, to be read once from its beginning. */
export type LayerSource = {
  /** How errors name it: its digest, or a file's name. */
  readonly name: string;
  /** A tar archive, plain or compressed with gzip or zstd; a chunk may change when the next but one is asked for. */
  readonly open: (signal: AbortSignal) => AsyncIterable<Buffer>;
  /** Of what `open` gives: without it there is no limit to how much a layer may inflate. */
  readonly sizeBytes?: number;
  /** What the uncompressed archive must be. */
  readonly diffId?: Digest;
};

export type RecordContext = {
  readonly limits: ConvertLimits;
  readonly counters: LimitCounters;
  readonly signal: AbortSignal;
};

/**
 * Reads a layer whole. Its contents are with the writer then, perhaps not yet stored.
 * @throws SlipwayError `layer-unreadable`, `layer-content-mismatch`, `layer-inflates`, `image-too-large`; what `contents` throws
 */
export async function recordLayer(
  layer: LayerSource,
  contents: Omit<ContentWriter, 'finish' | 'adopt'>,
  context: RecordContext,
): Promise<{ readonly index: LayerIndex; readonly facts: LayerFacts }> {
  const { signal } = context;
  const { name, diffId } = layer;
  const hash = diffId === undefined ? undefined : createHash(digestAlgorithm(diffId));
  const recorder = createEntryRecorder(contents, { name, sizeBytes: layer.sizeBytes }, context);
  const reader = createTarReader(recorder.visitor);
  let archiveBytes = 0;
  try {
    await readLayer(name, layer.open(signal), {
      signal,
      consume: async (chunk) => {
        archiveBytes += chunk.length;
        recorder.addArchiveBytes(chunk.length);
        hash?.update(chunk);
        reader.write(chunk);
        await contents.drain();
      },
    });
    reader.end();
    if (diffId !== undefined && hash !== undefined) verify(name, hash, diffId);
    return {
      index: recorder.index,
      facts: {
        archiveBytes,
        pathBytes: recorder.pathBytes(),
        unfoldedBytes: recorder.unfoldedBytes(),
        xattrsDropped: recorder.xattrsDropped(),
        ...(diffId === undefined ? {} : { archiveDigest: diffId }),
      },
    };
  } catch (error) {
    recorder.uncount();
    throw inLayer(name, error);
  }
}

const zeroBlock = Buffer.alloc(512);
/** Two end an archive, and then it is filled up to GNU tar's records of 20. */
const maxMissingBlocks = 21;

/**
 * Blocks of zeros that are missing at the end are made good: containers/storage before 2024 loses them when it compresses a
 * layer as zstd:chunked (its issue 1771), and they hold nothing.
 */
function verify(layer: string, hash: Hash, expected: Digest): void {
  const digestOf = (state: Hash): string => `${digestAlgorithm(expected)}:${state.copy().digest('hex')}`;
  const actual = digestOf(hash);
  if (actual === expected) return;
  for (let missing = 1; missing <= maxMissingBlocks; missing++) {
    if (digestOf(hash.update(zeroBlock)) === expected) return;
  }
  throw new SlipwayError('layer-content-mismatch', { layer, actual, expected });
}
