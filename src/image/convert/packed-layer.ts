// SPDX-License-Identifier: Apache-2.0
// A layer as a pack: what images are put together from. The pack's notes are the layer's facts and its entries.
import { type Digest, digestHex, SlipwayError } from '../../model/index.ts';
import { type BlockCompressor, createPackWriter, openPack, type Pack } from '../squashfs/index.ts';
import type { LayerFacts } from './layer-facts.ts';
import { decodeLayerIndex, type LayerIndex } from './layer-index.ts';
import type { ConvertOptions } from './options.ts';
import { type LayerSource, recordLayer, type RecordContext } from './record-layer.ts';

export type PackedLayer = AsyncDisposable & {
  /** How errors name it. */
  readonly name: string;
  readonly pack: Pack;
  readonly index: LayerIndex;
  readonly facts: LayerFacts;
};

/** What of the options decides what is in a pack; the rest concerns the image. */
export type PackSettings = Pick<ConvertOptions, 'compressor' | 'blockSizeBytes'>;

/** Changes whenever packs that were made before can't be used any more, or would be made otherwise now. */
const packVersion = 1;

/** The name of a pack's file: a pack is as good as another of the same name. It begins with the layer's digest. */
export function packName(layer: Digest, { compressor, blockSizeBytes }: PackSettings): string {
  const { compression, level } = compressor;
  return `${digestHex(layer)}-${compression}${level}-${blockSizeBytes / 1024}k-v${packVersion}.pack`;
}

/**
 * Reads a layer once and writes its pack at `path`, which must not exist; not flushed to disk. Same layer and settings,
 * same contents at the same places.
 * @param blocks compresses, with the settings' compressor and block size
 * @throws SlipwayError as `recordLayer`; what writing throws. The file is the caller's to remove then.
 */
export async function packLayer(
  layer: LayerSource,
  path: string,
  context: RecordContext & { readonly settings: PackSettings; readonly blocks: BlockCompressor },
): Promise<void> {
  const { settings, blocks, signal } = context;
  const { blockSizeBytes } = settings;
  await using writer = await createPackWriter({ path, blocks, blockSizeBytes, signal });
  const { index, facts } = await recordLayer(layer, writer.contents, context);
  const head = Buffer.from(JSON.stringify(facts));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  await writer.finish(Buffer.concat([length, head, index.encode()]));
}

/**
 * Opens a pack that `packLayer` wrote.
 * @throws SlipwayError `layer-pack-damaged`; as `toFileError`
 */
export async function openPackedLayer(path: string, name: string): Promise<PackedLayer> {
  const pack = await openPack(path);
  try {
    const { notes } = pack;
    const indexAt = 4 + notes.readUInt32LE(0);
    const facts = JSON.parse(notes.toString('utf8', 4, indexAt)) as LayerFacts;
    const index = decodeLayerIndex(notes.subarray(indexAt));
    return { name, pack, index, facts, [Symbol.asyncDispose]: () => pack[Symbol.asyncDispose]() };
  } catch (error) {
    await pack[Symbol.asyncDispose]();
    if (error instanceof SlipwayError) throw error;
    throw new SlipwayError('layer-pack-damaged', { path, reason: 'its notes can not be read' }, { cause: error });
  }
}
