// SPDX-License-Identifier: Apache-2.0
// A pack: what a layer's files hold, compressed as a squashfs image has it, so that images are put together from packs
// by copying. The file is a header, the blocks, and a table: where each content is, and what the pack's maker wants to
// know of the layer beside. It is a cache: in this machine's byte order, and made anew where this code no longer reads it.
//
//   0  8  "slpwpak2"          16  8  where the table starts      32  32  SHA-256 of bytes 0 to 31 and the table
//   8  4  block size          24  8  its length
//   12 2  compression         14 2  1, in this machine's byte order
//
// The table's digest vouches for the checksums in it, and these for the blocks, cell by cell: see cell-checksums.ts.
// A pack need not be flushed to disk: one that a power cut has torn is found out when it is read.
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress, type ZstdOptions } from 'node:zlib';
import { type Compression, compressionNames, isBlockSize, type StoredBlock } from '../../formats/squashfs/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { type BlockFile, createBlockFile, openBlockFile } from '../../sys/block-file.ts';
import type { BlockCompressor } from './block-compressor.ts';
import { cellBytes, checksumOf, withChecksums } from './cell-checksums.ts';
import { type ContentTable, decodeContentTable } from './content-table.ts';
import { type ContentWriter, createContentWriter } from './content-writer.ts';
import { createDataArea } from './data-area.ts';

export type PackWriterOptions = {
  /** Must not exist yet. */
  readonly path: string;
  /** Compresses, for this block size; several packs may share it, and it stays open. */
  readonly blocks: BlockCompressor;
  readonly blockSizeBytes: number;
  readonly signal: AbortSignal;
};

export type PackWriter = AsyncDisposable & {
  readonly contents: Omit<ContentWriter, 'finish' | 'adopt'>;
  /** @param notes what `Pack.notes` will be: the layer's entries, say, with the numbers of their contents */
  readonly finish: (notes: Buffer) => Promise<{ readonly sizeBytes: number }>;
};

export type Pack = AsyncDisposable & {
  readonly path: string;
  readonly compression: Compression;
  readonly blockSizeBytes: number;
  readonly contents: ContentTable;
  readonly fragments: readonly StoredBlock[];
  readonly notes: Buffer;
  /**
   * The bytes of a cell of `cellBytes`, checked; into the beginning of `into`.
   * @throws SlipwayError `layer-pack-damaged`
   */
  readonly readCell: (cell: number, into: Buffer) => Promise<Buffer>;
  readonly cellCount: number;
  /** Where in the file a cell begins; the first only behind the header. */
  readonly cellStart: (cell: number) => number;
};

const magic = Buffer.from('slpwpak2');
const byteOrder = Buffer.from(Uint16Array.of(1).buffer);
/** As much as the longest superblock with compressor options: a pack's blocks can stand in an image where they stand here. */
const headerBytes = 128;
const digestAt = 32;
const maxTableBytes = 2 ** 30;
const compressTable: (table: Buffer, options: ZstdOptions) => Promise<Buffer> = promisify(zstdCompress);
const decompressTable: (table: Buffer, options: ZstdOptions) => Promise<Buffer> = promisify(zstdDecompress);

/** Begins a pack. Dispose of the writer in any case; an unfinished file is the caller's to remove. */
export async function createPackWriter(options: PackWriterOptions): Promise<PackWriter> {
  const { blocks, blockSizeBytes, signal } = options;
  signal.throwIfAborted();
  const file = await createBlockFile(options.path);
  const checked = withChecksums(file, headerBytes);
  const area = createDataArea(checked.file, headerBytes);
  const { finish, adopt: _, ...contents } = createContentWriter(area, blocks, { blockSizeBytes, signal });
  return {
    contents,
    async finish(notes) {
      const data = await finish();
      const table = await encodeTable({ ...data, notes, checksums: await checked.finish(area.end()) });
      await file.write([table], area.end());
      await file.truncate(area.end() + table.length);
      const header = Buffer.alloc(headerBytes);
      magic.copy(header);
      byteOrder.copy(header, 14);
      header.writeUInt32LE(blockSizeBytes, 8);
      header.writeUInt16LE(compressionNames.indexOf(blocks.compression), 12);
      header.writeBigUInt64LE(BigInt(area.end()), 16);
      header.writeBigUInt64LE(BigInt(table.length), 24);
      digestOf(header, table).copy(header, digestAt);
      await file.write([header], 0);
      return { sizeBytes: area.end() + table.length };
    },
    async [Symbol.asyncDispose]() {
      await file.close();
    },
  };
}

/** Opens a pack and reads its table. @throws SlipwayError `layer-pack-damaged`; as `toFileError` */
export async function openPack(path: string): Promise<Pack> {
  const file = await openBlockFile(path);
  try {
    return await readPack(file, path);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readPack(file: BlockFile, path: string): Promise<Pack> {
  const fail = (reason: string, cause?: unknown): never => {
    throw new SlipwayError('layer-pack-damaged', { path, reason }, { cause });
  };
  const header = Buffer.alloc(headerBytes);
  if ((await file.read(header, 0)) < headerBytes || !header.subarray(0, magic.length).equals(magic)) {
    fail('it does not start as a pack does');
  }
  const blockSizeBytes = header.readUInt32LE(8);
  const compression = compressionNames[header.readUInt16LE(12)] ?? fail('its compression is unknown');
  const tableAt = header.readBigUInt64LE(16);
  const tableBytes = header.readBigUInt64LE(24);
  const sizeBytes = await file.sizeBytes();
  if (!header.subarray(14, 16).equals(byteOrder)) fail('a machine of another byte order made it');
  if (!isBlockSize(blockSizeBytes)) fail('its block size is none');
  if (tableBytes > BigInt(maxTableBytes) || tableAt + tableBytes !== BigInt(sizeBytes)) fail('its length is wrong');
  const stored = Buffer.allocUnsafe(Number(tableBytes));
  await file.read(stored, Number(tableAt));
  if (!digestOf(header, stored).equals(header.subarray(digestAt, digestAt + 32))) fail('its digest is another');
  const dataEnd = Number(tableAt);
  let table: TableParts;
  try {
    table = await decodeTable(stored);
  } catch (error) {
    return fail('its table can not be read', error);
  }
  const { checksums, ...parts } = table;
  return {
    path,
    compression,
    blockSizeBytes,
    ...parts,
    cellStart,
    cellCount: dataEnd > headerBytes ? Math.ceil(dataEnd / cellBytes) : 0,
    async readCell(cell, into) {
      const from = cellStart(cell);
      const to = Math.min((cell + 1) * cellBytes, dataEnd);
      if (to <= from) fail(`it has no cell ${cell}`);
      const bytes = into.subarray(0, to - from);
      if ((await file.read(bytes, from)) < bytes.length) fail('it ends inside a block');
      if (checksumOf(bytes) !== checksums[cell]) fail(`its bytes from ${from} on are not those that were written`);
      return bytes;
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}

function cellStart(cell: number): number {
  return Math.max(headerBytes, cell * cellBytes);
}

/** Over the header before the digest, and the table. */
function digestOf(header: Buffer, table: Buffer): Buffer {
  return createHash('sha256').update(header.subarray(0, digestAt)).update(table).digest();
}

type TableParts = Pick<Pack, 'contents' | 'fragments' | 'notes'> & { readonly checksums: Uint32Array };

async function encodeTable(data: TableParts): Promise<Buffer> {
  const { notes } = data;
  const contents = data.contents.encode();
  const checksums = Buffer.from(data.checksums.buffer, data.checksums.byteOffset, data.checksums.byteLength);
  const fragments = Buffer.alloc(data.fragments.length * 12);
  for (const [index, { start, sizeWord }] of data.fragments.entries()) {
    fragments.writeBigUInt64LE(BigInt(start), index * 12);
    fragments.writeUInt32LE(sizeWord, index * 12 + 8);
  }
  const parts = [contents, fragments, checksums, notes];
  const lengths = Buffer.alloc(parts.length * 4);
  for (const [index, part] of parts.entries()) lengths.writeUInt32LE(part.length, index * 4);
  const params = { [constants.ZSTD_c_compressionLevel]: 3 };
  return await compressTable(Buffer.concat([lengths, ...parts]), { params });
}

async function decodeTable(stored: Buffer): Promise<TableParts> {
  const params = { [constants.ZSTD_d_windowLogMax]: 27 };
  const table = await decompressTable(stored, { maxOutputLength: maxTableBytes, params });
  let at = 16;
  const [contents, fragmentRecords, sums, notes] = [0, 4, 8, 12].map((place) => {
    const length = table.readUInt32LE(place);
    at += length;
    return table.subarray(at - length, at);
  }) as [Buffer, Buffer, Buffer, Buffer];
  if (at !== table.length) throw new RangeError('its parts do not make up the whole');
  const fragments: StoredBlock[] = [];
  for (let record = 0; record < fragmentRecords.length; record += 12) {
    const start = Number(fragmentRecords.readBigUInt64LE(record));
    fragments.push({ start, sizeWord: fragmentRecords.readUInt32LE(record + 8) });
  }
  return {
    contents: decodeContentTable(contents),
    fragments,
    checksums: new Uint32Array(Uint8Array.prototype.slice.call(sums).buffer),
    notes,
  };
}
