// SPDX-License-Identifier: Apache-2.0
// Layers on their way to a registry, which wants to know their digest and length first: as they are where they have
// one, else made in a file.
import { createHash } from 'node:crypto';
import { ociLayerType } from '../../formats/oci/index.ts';
import { type Digest, SlipwayError } from '../../model/index.ts';
import { createBlockFile } from '../../sys/block-file.ts';
import { inLayer } from '../convert/layer-errors.ts';
import { compressInto } from '../exports/compress-stream.ts';
import { type ExportContext, writeTreeLayer } from '../exports/image-parts.ts';
import { readBlob } from '../exports/read-blob.ts';
import { readDecompressed, storedChunks } from '../read-decompressed.ts';
import type { TreeSource } from '../trees/tree.ts';
import type { ImageSource, LayerDescriptor } from '../types.ts';

export type ReadyLayer = {
  readonly descriptor: LayerDescriptor;
  /** The blob's bytes from an offset on; the registry checks what they are. */
  readonly open: (offsetBytes: number) => AsyncIterable<Buffer>;
};

export type Readying = {
  readonly temporaryPath: () => string;
  readonly context: ExportContext;
};

/** A layer of an image; one that is compressed before stands in a file then. */
export async function readyLayer(
  source: ImageSource,
  layer: LayerDescriptor,
  readying: Readying,
  mustCompress: boolean,
): Promise<ReadyLayer> {
  const { context } = readying;
  if (!mustCompress)
    return { descriptor: layer, open: (offsetBytes) => blobFrom(source, layer, offsetBytes, context.signal) };
  const { layerCompression: compression, options, searchPath, signal } = context;
  const refuse = (kind: string): SlipwayError =>
    new SlipwayError('layer-unreadable', { layer: layer.digest, reason: `it is compressed with ${kind}` });
  const plain = createHash('sha256');
  const settings = { compression, threads: options.threads, searchPath, signal };
  const file = await intoFile(readying, async (write) => {
    await compressInto(write, settings, async (writePlain) => {
      const blob = readBlob({ ...context, source, layer });
      try {
        await readDecompressed(blob, { refuse, signal }, async (chunk) => {
          plain.update(chunk);
          await writePlain(chunk);
          return true;
        });
      } catch (error) {
        throw inLayer(layer.digest, error);
      }
    });
  });
  const diffId = `sha256:${plain.digest('hex')}` as Digest;
  const mediaType = `${ociLayerType(layer.mediaType)}+${compression}`;
  return { descriptor: { mediaType, ...file.blob, diffId }, open: file.open };
}

/** A tree as a layer. */
export async function readyTree(tree: TreeSource, readying: Readying): Promise<ReadyLayer> {
  let descriptor: LayerDescriptor | undefined;
  const file = await intoFile(readying, async (write) => {
    ({ layer: descriptor } = await writeTreeLayer(tree, write, readying.context));
  });
  if (descriptor === undefined) throw new Error('unreachable: the layer has been written');
  return { descriptor, open: file.open };
}

async function intoFile(
  { temporaryPath, context }: Readying,
  produce: (write: (chunk: Buffer) => Promise<void>) => Promise<void>,
): Promise<{
  readonly blob: { readonly digest: Digest; readonly sizeBytes: number };
  readonly open: ReadyLayer['open'];
}> {
  const path = temporaryPath();
  const file = await createBlockFile(path);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  try {
    await produce(async (chunk) => {
      hash.update(chunk);
      await file.write([chunk], sizeBytes);
      sizeBytes += chunk.length;
    });
  } finally {
    await file.close();
  }
  return {
    blob: { digest: `sha256:${hash.digest('hex')}` as Digest, sizeBytes },
    open: (startBytes) =>
      storedChunks({ path, range: { startBytes, lengthBytes: sizeBytes - startBytes } }, context.signal),
  };
}

/** A source that can't start in the middle sends again what is there already. */
async function* blobFrom(
  source: ImageSource,
  layer: LayerDescriptor,
  startBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { body, offsetBytes } = await source.openBlob(layer, startBytes, signal);
  let passedBytes = startBytes - offsetBytes;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    const fresh = chunk.subarray(Math.min(passedBytes, chunk.length));
    passedBytes -= chunk.length - fresh.length;
    if (fresh.length > 0) yield fresh;
  }
}
