// SPDX-License-Identifier: Apache-2.0
// A tarball with a root file system, whoever made it, as a tree.
import { createTarReader } from '../../formats/tar/index.ts';
import { type Emit, emptyImageConfig, type Platform, type PullEvent, SlipwayError } from '../../model/index.ts';
import { scanFileChunks } from '../../sys/file-chunks.ts';
import { fileSize } from '../../sys/files.ts';
import { createChunkChannel } from '../chunk-channel.ts';
import type { LayerSource } from '../convert/index.ts';
import { compressionOf, inArchive, readDecompressed, storedChunks } from '../read-decompressed.ts';
import { mergedTree } from './merged-tree-source.ts';
import type { TreeOptions, TreeSource } from './tree.ts';

export type TarballOptions = {
  readonly path: string;
  readonly platform: Platform;
  readonly options: TreeOptions;
  /**
   * Whether a single directory at the top that holds everything else is left out, as archives of the kind `rootfs/bin/…`
   * want it; an archive that begins with an entry for its root (`./`) is taken as it is. Yes unless given.
   */
  readonly stripsTop?: boolean;
  readonly emit: Emit<PullEvent>;
  readonly signal: AbortSignal;
};

const channelBytes = 4 * 1024 * 1024;
const chunkBytes = 1024 * 1024;

/**
 * The tree in a tarball, plain or compressed with gzip, zstd, xz or bzip2. Its beginning is read now. Names that begin with `.wh.`
 * are names like any other.
 * @throws as `toFileError`; SlipwayError `archive-unreadable`, `program-missing`; from `read` as `mergedTree`
 */
export async function tarballTree(tarball: TarballOptions): Promise<TreeSource> {
  const { path, options, emit } = tarball;
  const layer: LayerSource = {
    name: path,
    sizeBytes: await fileSize(path),
    open: await opener(path, options.searchPath),
  };
  const strips = tarball.stripsTop !== false && !(await beginsWithRoot(tarball));
  return mergedTree({
    name: path,
    config: emptyImageConfig(tarball.platform),
    archives: { layers: [layer], whiteouts: 'literal', topDirectory: strips ? 'strip' : 'keep' },
    options,
    emit,
  });
}

/** What layers may not be compressed with is decompressed on the way. */
async function opener(path: string, searchPath: string): Promise<LayerSource['open']> {
  const compression = await compressionOf({ path });
  switch (compression) {
    case 'none':
      return (signal) => scanFileChunks(path, { chunkBytes, signal });
    case 'gzip':
    case 'zstd':
      // Decompressors hold chunks back, so these need memory of their own.
      return (signal) => storedChunks({ path }, signal);
    case 'xz':
    case 'bzip2':
      return (signal) => decompressed(path, searchPath, signal);
  }
}

async function* decompressed(path: string, searchPath: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const channel = createChunkChannel(channelBytes);
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const work = readDecompressed(
    storedChunks({ path }, both),
    { name: path, searchPath, signal: both },
    async (chunk) => {
      await channel.write(chunk);
      return true;
    },
  ).then(channel.end, channel.fail);
  try {
    yield* channel.chunks;
  } finally {
    stop.abort();
    channel.close();
    await work;
  }
}

async function beginsWithRoot({ path, options, signal }: TarballOptions): Promise<boolean> {
  const names: string[] = [];
  const reader = createTarReader({
    entry: (entry) => {
      names.push(entry.path.toString('latin1'));
      return false;
    },
  });
  const settings = { name: path, searchPath: options.searchPath, signal };
  try {
    await readDecompressed(storedChunks({ path }, signal), settings, (chunk) => {
      // Block by block: what follows the first entry is not judged here.
      for (let at = 0; at < chunk.length && names.length === 0; at += 512) reader.write(chunk.subarray(at, at + 512));
      return names.length === 0;
    });
  } catch (error) {
    throw inArchive(path, error);
  }
  const [first] = names;
  if (first === undefined) throw new SlipwayError('archive-unreadable', { path, reason: 'it holds nothing' });
  return /^(?:\.?\/)*\.?$/.test(first);
}
