// SPDX-License-Identifier: Apache-2.0
// A pack: what a layer's files hold, compressed as a squashfs image has it, so that images are put together from packs
// by copying. The file is a header, the blocks, and a table: where each content is, and what the pack's maker wants to
// know of the layer beside. It is a cache: in this machine's byte order, and made anew where this code no longer reads it.
//
//   0  8  "slpwpak1"          16  8  where the table starts      32  32  SHA-256 of bytes 0 to 31 and the table
//   8  4  block size          24  8  its length
//   12 2  compression         14 2  nothing yet
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress, type ZstdOptions } from 'node:zlib';
import { type Compression, compressionNames, isBlockSize, type StoredBlock } from '../../formats/squashfs/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { type BlockFile, createBlockFile, openBlockFile } from '../../sys/block-file.ts';
import { createBlockCompressor, type Compressor } from './block-compressor.ts';
import { type ContentTable, decodeContentTable } from './content-table.ts';
import { type ContentWriter, createContentWriter } from './content-writer.ts';
import { createDataArea } from './data-area.ts';

export type PackWriterOptions = {
  /** Must not exist yet. */
  readonly path: string;
  readonly compressor: Compressor;
  readonly blockSizeBytes: number;
  readonly parallelism: number;
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
  /** Fills `into` with blocks from `offset` on. @throws SlipwayError `layer-pack-damaged` where the file ends before */
  readonly read: (into: Buffer, offset: number) => Promise<void>;
};

const magic = Buffer.from('slpwpak1');
const headerBytes = 64;
const digestAt = 32;
const maxTableBytes = 2 ** 30;
const compressTable: (table: Buffer, options: ZstdOptions) => Promise<Buffer> = promisify(zstdCompress);
const decompressTable: (table: Buffer, options: ZstdOptions) => Promise<Buffer> = promisify(zstdDecompress);

/** Begins a pack. Dispose of the writer in any case; an unfinished file is the caller's to remove. */
export async function createPackWriter(options: PackWriterOptions): Promise<PackWriter> {
  const { compressor, blockSizeBytes, signal } = options;
  signal.throwIfAborted();
  const file = await createBlockFile(options.path);
  const blocks = createBlockCompressor(compressor, { blockSizeBytes, parallelism: options.parallelism });
  const area = createDataArea(file, headerBytes);
  const { finish, adopt: _, ...contents } = createContentWriter(area, blocks, { blockSizeBytes, signal });
  return {
    contents,
    async finish(notes) {
      const data = await finish();
      const table = await encodeTable(data, notes);
      await file.write([table], area.end());
      await file.truncate(area.end() + table.length);
      const header = Buffer.alloc(headerBytes);
      magic.copy(header);
      header.writeUInt32LE(blockSizeBytes, 8);
      header.writeUInt16LE(compressionNames.indexOf(compressor.compression), 12);
      header.writeBigUInt64LE(BigInt(area.end()), 16);
      header.writeBigUInt64LE(BigInt(table.length), 24);
      digestOf(header, table).copy(header, digestAt);
      await file.write([header], 0);
      return { sizeBytes: area.end() + table.length };
    },
    async [Symbol.asyncDispose]() {
      blocks.close();
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
  if (!isBlockSize(blockSizeBytes)) fail('its block size is none');
  if (tableBytes > BigInt(maxTableBytes) || tableAt + tableBytes !== BigInt(sizeBytes)) fail('its length is wrong');
  const stored = Buffer.allocUnsafe(Number(tableBytes));
  await file.read(stored, Number(tableAt));
  if (!digestOf(header, stored).equals(header.subarray(digestAt))) fail('its digest is another');
  try {
    return {
      path,
      compression,
      blockSizeBytes,
      ...(await decodeTable(stored)),
      async read(into, offset) {
        if ((await file.read(into, offset)) < into.length) fail('it ends inside a block');
      },
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    return fail('its table can not be read', error);
  }
}

/** Over the header before the digest, and the table. */
function digestOf(header: Buffer, table: Buffer): Buffer {
  return createHash('sha256').update(header.subarray(0, digestAt)).update(table).digest();
}

type TableParts = Pick<Pack, 'contents' | 'fragments' | 'notes'>;

async function encodeTable(
  data: { readonly contents: ContentTable; readonly fragments: readonly StoredBlock[] },
  notes: Buffer,
): Promise<Buffer> {
  const contents = data.contents.encode();
  const fragments = Buffer.alloc(data.fragments.length * 12);
  for (const [index, { start, sizeWord }] of data.fragments.entries()) {
    fragments.writeBigUInt64LE(BigInt(start), index * 12);
    fragments.writeUInt32LE(sizeWord, index * 12 + 8);
  }
  const lengths = Buffer.alloc(12);
  for (const [index, part] of [contents, fragments, notes].entries()) lengths.writeUInt32LE(part.length, index * 4);
  const params = { [constants.ZSTD_c_compressionLevel]: 3 };
  return await compressTable(Buffer.concat([lengths, contents, fragments, notes]), { params });
}

async function decodeTable(stored: Buffer): Promise<TableParts> {
  const params = { [constants.ZSTD_d_windowLogMax]: 27 };
  const table = await decompressTable(stored, { maxOutputLength: maxTableBytes, params });
  const contentsEnd = 12 + table.readUInt32LE(0);
  const fragmentsEnd = contentsEnd + table.readUInt32LE(4);
  if (fragmentsEnd + table.readUInt32LE(8) !== table.length) throw new RangeError('its parts do not make up the whole');
  const fragments: StoredBlock[] = [];
  for (let at = contentsEnd; at < fragmentsEnd; at += 12) {
    fragments.push({ start: Number(table.readBigUInt64LE(at)), sizeWord: table.readUInt32LE(at + 8) });
  }
  return {
    contents: decodeContentTable(table.subarray(12, contentsEnd)),
    fragments,
    notes: table.subarray(fragmentsEnd),
  };
}
