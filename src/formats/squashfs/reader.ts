// SPDX-License-Identifier: Apache-2.0
// Reads squashfs 4.0 images, whoever wrote them, through a synchronous function that gets bytes at an offset. A lookup
// decodes only the metadata on its way. An image is never believed: each length, offset and number is checked where it
// is used, every loop is bounded by something the image can't make up.
import { SlipwayError } from '../../model/index.ts';
import { createDataReader, type DataReader, type StoredBlock } from './data-blocks.ts';
import { damaged } from './damaged.ts';
import { builtinDecompressors, type Decompressors, decompressorOf } from './decompress.ts';
import { type DirectoryEntry, findEntry, readDirectory } from './directory.ts';
import { createRecordReader } from './indexed-table.ts';
import { type DirectoryInode, type FileInode, type Inode, readInode } from './inode.ts';
import { createMetadataReader, type MetadataTable, type ReadAt } from './metadata-reader.ts';
import { type Resolved, resolvePath } from './resolve-path.ts';
import { parseSuperblock, type Superblock, superblockSizeBytes } from './superblock.ts';
import { walkTree } from './walk.ts';
import { createXattrReader, type Xattr } from './xattrs.ts';

export type SquashfsSource = {
  /** How messages call the image: usually its path. */
  readonly image: string;
  readonly read: ReadAt;
  readonly sizeBytes: number;
  /** Decompressors to use beside, or instead of, the built-in ones. */
  readonly decompressors?: Decompressors;
};

export type LookupOptions = {
  /** Whether a symbolic link that is the path's last component is followed; yes unless told otherwise. */
  readonly followLast?: boolean;
};

/** Every function throws SlipwayError `squashfs-damaged` when what it reads can't be right. */
export type SquashfsImage = {
  /** As in the source. */
  readonly image: string;
  readonly superblock: Superblock;
  readonly root: DirectoryInode;
  /**
   * What `path` leads to, links followed inside the image; undefined when it leads nowhere.
   * @throws SlipwayError `squashfs-symlink-loop`
   */
  readonly lookup: (path: string | Buffer, options?: LookupOptions) => Inode | undefined;
  /** As `lookup`, with the path free of links. */
  readonly resolve: (path: string | Buffer, options?: LookupOptions) => Resolved | undefined;
  /** The whole content. @throws SlipwayError `squashfs-file-too-large` when that is more than `maxBytes` */
  readonly readFile: (file: FileInode, maxBytes: number) => Buffer;
  /** A part of the content; shorter than `lengthBytes` only at the file's end. */
  readonly readFileRange: (file: FileInode, offsetBytes: number, lengthBytes: number) => Buffer;
  /** In byte order of the names. Read lazily: stop when enough is known. */
  readonly readDirectory: (directory: DirectoryInode) => Generator<DirectoryEntry>;
  readonly readEntry: (entry: DirectoryEntry) => Inode;
  /** Empty for an inode without. */
  readonly readXattrs: (inode: Inode) => readonly Xattr[];
  /** Every entry below the root, a directory before what is in it; hard links each time. */
  readonly walk: () => Generator<Resolved>;
  readonly data: DataReader;
  readonly fragmentAt: (index: number) => StoredBlock;
};

/**
 * Opens an image: reads the superblock and the root directory's inode.
 * @throws SlipwayError `squashfs-unrecognized`, `squashfs-compression-unsupported`, `squashfs-damaged`
 * @example openSquashfs({ image: path, read: (offset, length) => …, sizeBytes }).lookup('/etc/os-release')
 */
export function openSquashfs(source: SquashfsSource): SquashfsImage {
  const { image, read } = source;
  const superblock = parseSuperblock(read(0, superblockSizeBytes), source.sizeBytes, image);
  const { blockSizeBytes, usedBytes, inodeCount } = superblock;
  const decompressors = { ...builtinDecompressors, ...source.decompressors };
  const decompress = decompressorOf(superblock.compression, decompressors, image);
  const metadata = createMetadataReader(read, decompress, image);

  const inodeTable: MetadataTable = {
    name: 'inode table',
    start: superblock.inodeTable,
    end: superblock.directoryTable,
  };
  const directoryTable: MetadataTable = {
    name: 'directory table',
    start: superblock.directoryTable,
    end: Math.min(superblock.idTable, superblock.fragmentTable ?? usedBytes, superblock.exportTable ?? usedBytes),
  };
  const tables = { image, read, metadata, usedBytes };

  const ids = createRecordReader(tables, {
    name: 'owner table',
    start: superblock.idTable,
    count: superblock.idCount,
    recordSizeBytes: 4,
  });
  const knownIds: number[] = [];
  const idAt = (index: number): number => (knownIds[index] ??= ids(index).readUInt32LE(0));

  const fragments = createRecordReader(tables, {
    name: 'fragment table',
    start: superblock.fragmentTable ?? 0,
    count: superblock.fragmentTable === undefined ? 0 : superblock.fragmentCount,
    recordSizeBytes: 16,
  });
  const fragmentAt = (index: number): StoredBlock => {
    const record = fragments(index);
    const start = record.readBigUInt64LE(0);
    if (start > BigInt(usedBytes))
      damaged(image, `fragment ${index}`, superblock.fragmentTable ?? 0, `it is at ${start}`);
    return { start: Number(start), sizeWord: record.readUInt32LE(8) };
  };

  const inodes = { image, metadata, inodeTable, blockSizeBytes, inodeCount, idAt };
  const directories = { image, metadata, inodeTable, directoryTable };
  const data = createDataReader({
    image,
    read,
    decompress,
    metadata,
    inodeTable,
    usedBytes,
    blockSizeBytes,
    fragmentAt,
  });
  const xattrsAt = createXattrReader(tables, superblock.xattrTable);

  const root = readInode(inodes, superblock.rootInode);
  if (root.kind !== 'directory') {
    return damaged(image, 'the root inode', inodeTable.start, `it is a ${root.kind}, not a directory`);
  }

  const readEntry = (entry: DirectoryEntry): Inode => {
    const inode = readInode(inodes, entry.reference);
    if (inode.kind !== entry.kind) {
      damaged(image, `inode ${inode.inodeNumber}`, inodeTable.start, `a ${inode.kind} is listed as a ${entry.kind}`);
    }
    return inode;
  };
  const findChild = (directory: DirectoryInode, name: Buffer): Inode | undefined => {
    const entry = findEntry(directories, directory, name);
    return entry === undefined ? undefined : readEntry(entry);
  };
  const resolve = (path: string | Buffer, options: LookupOptions = {}): Resolved | undefined => {
    const bytes = typeof path === 'string' ? Buffer.from(path) : path;
    return resolvePath({ image, root, findChild }, bytes, options.followLast ?? true);
  };
  const listDirectory = (directory: DirectoryInode): Generator<DirectoryEntry> => readDirectory(directories, directory);

  return {
    image,
    superblock,
    root,
    resolve,
    lookup: (path, options) => resolve(path, options)?.inode,
    readFile(file, maxBytes) {
      if (file.sizeBytes > maxBytes) {
        throw new SlipwayError('squashfs-file-too-large', { image, size: file.sizeBytes, limit: maxBytes });
      }
      return data.readRange(file, 0, file.sizeBytes);
    },
    readFileRange: data.readRange,
    readDirectory: listDirectory,
    readEntry,
    readXattrs: (inode) => (inode.xattrIndex === undefined ? [] : xattrsAt(inode.xattrIndex)),
    walk: () =>
      walkTree({ image, root, listDirectory, readEntry, countListingBytes: () => metadata.measure(directoryTable) }),
    data,
    fragmentAt,
  };
}
