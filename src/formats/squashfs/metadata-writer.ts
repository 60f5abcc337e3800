// SPDX-License-Identifier: Apache-2.0
// Writes one stream of metadata: cut into blocks of 8 KiB, each compressed as soon as it is full, because what refers
// into the stream does so by the offsets of compressed blocks.
import { metadataBlockSizeBytes, uncompressedMetadataBit } from './metadata-reader.ts';

/** Compresses one block. A result that is not shorter is not used. */
export type Compress = (block: Buffer) => Buffer;

export type MetadataWriter = {
  /** Where the next byte will be: the block's offset in what `finish` returns, and the offset in the block. */
  readonly position: () => { readonly block: number; readonly offset: number };
  /** Appends a copy of `bytes`. */
  readonly append: (bytes: Buffer) => void;
  /** Ends the last block, and returns the stream, and where in it each block starts. */
  readonly finish: () => { readonly bytes: Buffer; readonly blocks: readonly number[] };
};

export function createMetadataWriter(compress: Compress): MetadataWriter {
  const current = Buffer.alloc(metadataBlockSizeBytes);
  const stored: Buffer[] = [];
  const blocks: number[] = [];
  let currentBytes = 0;
  let storedBytes = 0;

  function endBlock(): void {
    blocks.push(storedBytes);
    const encoded = encodeMetadataBlock(current.subarray(0, currentBytes), compress);
    stored.push(encoded);
    storedBytes += encoded.length;
    currentBytes = 0;
  }

  return {
    position: () => ({ block: storedBytes, offset: currentBytes }),
    append(bytes) {
      for (let done = 0; done < bytes.length;) {
        const copied = bytes.copy(current, currentBytes, done);
        done += copied;
        currentBytes += copied;
        if (currentBytes === metadataBlockSizeBytes) endBlock();
      }
    },
    finish() {
      if (currentBytes > 0) endBlock();
      return { bytes: Buffer.concat(stored), blocks };
    },
  };
}

/** A block with its header. */
export function encodeMetadataBlock(block: Buffer, compress: Compress): Buffer {
  const compressed = compress(block);
  const isSmaller = compressed.length < block.length;
  const payload = isSmaller ? compressed : block;
  const encoded = Buffer.allocUnsafe(2 + payload.length);
  encoded.writeUInt16LE(payload.length | (isSmaller ? 0 : uncompressedMetadataBit), 0);
  payload.copy(encoded, 2);
  return encoded;
}
