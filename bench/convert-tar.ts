// SPDX-License-Identifier: Apache-2.0
// The program that bench/convert measures: a tar archive to a squashfs image or a pack, or a pack to an image, by the
// functions that pull and convert use.
//   image TAR OUT LEVEL BLOCK-KIB PARALLELISM    pack TAR OUT LEVEL BLOCK-KIB PARALLELISM
//   assemble PACK OUT LEVEL BLOCK-KIB PARALLELISM
import { resolve } from 'node:path';
import {
  assembleImage,
  defaultConvertOptions,
  layersToSquashfs,
  newCounters,
  openPackedLayer,
  packLayer,
} from '../src/image/convert/index.ts';
import { createBlockCompressor } from '../src/image/squashfs/index.ts';
import { scanFileChunks } from '../src/sys/file-chunks.ts';

const [mode, input = '', output = '', level = '3', blockKib = '128', parallelism = '2'] = process.argv.slice(2);
const { signal } = new AbortController();
const options = {
  ...defaultConvertOptions,
  compressor: { compression: 'zstd', level: Number(level) },
  blockSizeBytes: Number(blockKib) * 1024,
  threads: Number(parallelism),
} as const;
const order = { name: input, outputPath: resolve(output), options, emit: () => undefined, signal };
const source = { name: input, open: () => scanFileChunks(input, { chunkBytes: 1024 * 1024, signal }) };

if (mode === 'image') {
  await layersToSquashfs([source], order);
} else if (mode === 'pack') {
  const { compressor, blockSizeBytes, threads, limits } = options;
  const blocks = createBlockCompressor(compressor, { blockSizeBytes, parallelism: threads });
  await packLayer(source, output, { limits, counters: newCounters(), signal, settings: options, blocks });
  blocks.close();
} else if (mode === 'assemble') {
  await using layer = await openPackedLayer(input, input);
  await assembleImage([layer], order);
} else {
  throw new Error(`no such mode: ${mode}`);
}
