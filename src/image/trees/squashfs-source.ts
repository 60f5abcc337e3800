// SPDX-License-Identifier: Apache-2.0
// A squashfs image, whoever wrote it, as a tree: a file of its own or the part of another (SIF). Holes stay holes.
import { type FileInode, type Inode, openSquashfs, type SquashfsImage } from '../../formats/squashfs/index.ts';
import { type Emit, type ImageConfig, type PullEvent, SlipwayError } from '../../model/index.ts';
import type { ByteRange } from '../../sys/file-chunks.ts';
import { findProgram } from '../../sys/process.ts';
import { openRandomFile } from '../../sys/random-file.ts';
import { keptXattrs } from '../kept-xattrs.ts';
import { xzDecompressor } from '../squashfs/index.ts';
import { createTreeWarnings } from './tree-warnings.ts';
import type { ReadTreeOptions, TreeEntry, TreeOptions, TreeSink, TreeSource, TreeTotals } from './tree.ts';

export type SquashfsFile = {
  readonly path: string;
  /** Where in the file the image is; all of it unless given. */
  readonly range?: ByteRange;
  readonly config: ImageConfig;
  readonly options: TreeOptions;
  readonly emit: Emit<PullEvent>;
};

/** Decompressed bytes between two pauses. */
const drainBytes = 1024 * 1024;

/**
 * The tree in a squashfs image. Opens it now.
 * @throws SlipwayError `squashfs-unrecognized`, `squashfs-damaged`, `squashfs-compression-unsupported`; from `read` also
 *   `image-too-large`, `archive-inflates`
 */
export async function squashfsTree(squashfs: SquashfsFile): Promise<TreeSource> {
  const { path, range } = squashfs;
  const xz = await findProgram('xz', squashfs.options.searchPath);
  const file = openRandomFile(path);
  const startBytes = range?.startBytes ?? 0;
  const sizeBytes = range?.lengthBytes ?? file.sizeBytes;
  const read = (offset: number, length: number): Buffer =>
    file.read(startBytes + offset, Math.max(0, Math.min(length, sizeBytes - offset)));
  let image: SquashfsImage;
  try {
    image = openSquashfs({
      image: path,
      read,
      sizeBytes,
      ...(xz === undefined ? {} : { decompressors: { xz: xzDecompressor(xz) } }),
    });
  } catch (error) {
    file.close();
    throw error;
  }
  return {
    name: path,
    config: squashfs.config,
    read: async (sink, options) => await readImage({ image, squashfs, sizeBytes }, sink, options),
    close: () => {
      file.close();
      return Promise.resolve();
    },
  };
}

async function readImage(
  opened: { readonly image: SquashfsImage; readonly squashfs: SquashfsFile; readonly sizeBytes: number },
  sink: TreeSink,
  { signal, progress }: ReadTreeOptions,
): Promise<TreeTotals> {
  const { image, squashfs, sizeBytes } = opened;
  const { options, path } = squashfs;
  const { limits } = options;
  const warnings = createTreeWarnings();
  /** The first path of files with several names. */
  const firstPaths = new Map<number, Buffer>();
  let entries = 0;
  let contentBytes = 0;
  let storedBytes = 0;
  let undrainedBytes = 0;
  const bound = (count: number, limit: number, what: string, option: string): void => {
    if (count > limit) throw new SlipwayError('image-too-large', { what, limit, option });
  };

  const xattrsOf = (inode: Inode): ReadonlyMap<string, Buffer> => {
    const all = new Map(image.readXattrs(inode).map(({ name, value }) => [name, value]));
    const kept = options.xattrs === 'keep' ? keptXattrs(all) : new Map<string, Buffer>();
    warnings.count('xattrs-dropped', all.size - kept.size);
    return kept;
  };

  const streamContent = async (inode: FileInode): Promise<void> => {
    contentBytes += inode.sizeBytes;
    bound(contentBytes, limits.maxContentBytes, 'bytes of content', 'maxContentBytes');
    const give = async (bytes: Buffer): Promise<void> => {
      storedBytes += bytes.length;
      // Blocks may be listed for many files, and so unfold to more than any compression.
      if (storedBytes > limits.inflationGraceBytes && storedBytes > sizeBytes * limits.maxInflation) {
        const fields = { path, bytes: storedBytes, compressedBytes: sizeBytes, limit: limits.maxInflation };
        throw new SlipwayError('archive-inflates', fields);
      }
      sink.content(bytes);
      undrainedBytes += bytes.length;
      if (undrainedBytes < drainBytes) return;
      undrainedBytes = 0;
      signal.throwIfAborted();
      await sink.drain();
      progress(contentBytes, undefined);
    };
    for (const block of image.data.blocksOf(inode)) {
      if (block.sizeWord === 0) sink.hole(block.lengthBytes);
      else await give(image.data.decode(block, block.lengthBytes, 'data'));
    }
    const tail = image.data.readTail(inode);
    if (tail.length > 0) await give(tail);
    sink.contentEnd();
  };

  const stream = async (inode: Inode, entryPath: Buffer): Promise<void> => {
    const first = inode.nlink > 1 && inode.kind !== 'directory' ? firstPaths.get(inode.reference) : undefined;
    if (first !== undefined) {
      entries += 1;
      const link = describe(inode, entryPath, new Map());
      sink.entry({ ...link, type: 'hardlink', sizeBytes: 0, linkTarget: first });
      return;
    }
    switch (inode.kind) {
      case 'block-device':
      case 'character-device':
        warnings.count('devices-dropped');
        return;
      case 'socket':
        warnings.count('sockets-dropped');
        return;
      case 'directory':
      case 'file':
      case 'symlink':
      case 'fifo':
        break;
      default:
        inode satisfies never;
    }
    entries += 1;
    bound(entries, limits.maxEntries, 'files', 'maxEntries');
    if (inode.nlink > 1 && inode.kind !== 'directory') firstPaths.set(inode.reference, entryPath);
    sink.entry(describe(inode, entryPath, xattrsOf(inode)));
    if (inode.kind === 'file') await streamContent(inode);
    else if (entries % 256 === 0) await sink.drain();
  };

  await stream(image.root, Buffer.from('.'));
  for (const { inode, path: entryPath } of image.walk()) await stream(inode, Buffer.from(entryPath.subarray(1)));
  await sink.drain();
  warnings.emitAll(squashfs.emit);
  return { entries, contentBytes };
}

function describe(inode: Inode, path: Buffer, xattrs: ReadonlyMap<string, Buffer>): TreeEntry {
  return {
    type: inode.kind === 'directory' || inode.kind === 'symlink' || inode.kind === 'fifo' ? inode.kind : 'file',
    path,
    mode: inode.mode,
    uid: inode.uid,
    gid: inode.gid,
    mtimeSec: inode.mtimeSec,
    mtimeNsec: 0,
    sizeBytes: inode.kind === 'file' ? inode.sizeBytes : 0,
    linkTarget: inode.kind === 'symlink' ? inode.target : Buffer.alloc(0),
    devMajor: 0,
    devMinor: 0,
    xattrs,
  };
}
