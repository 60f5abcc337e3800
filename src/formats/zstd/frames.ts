// SPDX-License-Identifier: Apache-2.0
// Where the frames of a zstd stream begin and end (RFC 8878, section 3.1), found from frame and block headers alone.
// Node's decompressor drops whatever follows a frame within one write, and reports success; given pieces that end
// where frames end, it reads them all. Streams of many frames are common: pzstd makes them, and zstd:chunked layers.
import { SlipwayError } from '../../model/index.ts';

export type ZstdFrameSplitter = {
  /**
   * The bytes of `chunk` that belong to compressed frames, cut where frames end; skippable frames are left out.
   * @throws SlipwayError `zstd-malformed` where no frame begins or a block is of no known type.
   */
  readonly push: (chunk: Buffer) => readonly Buffer[];
  /** @throws SlipwayError `zstd-malformed` when the stream ends within a frame or had none. */
  readonly end: () => void;
};

const frameMagic = 0xfd2f_b528;
const skippableMagic = 0x184d_2a50;

export function createZstdFrameSplitter(): ZstdFrameSplitter {
  // 'body' and 'skip' let `leftBytes` go by; the other states gather a field of `wantedBytes` in `field`.
  let state: 'magic' | 'descriptor' | 'rest-of-header' | 'block' | 'body' | 'checksum' | 'skip-size' | 'skip' = 'magic';
  let wantedBytes = 4;
  let leftBytes = 0;
  let isLastBlock = false;
  let hasChecksum = false;
  let hasFrame = false;
  let offset = 0;
  const field = Buffer.alloc(16);
  let fieldBytes = 0;

  const fail = (reason: string): never => {
    throw new SlipwayError('zstd-malformed', { offset, reason });
  };
  const expect = (nextState: typeof state, bytes: number): void => {
    state = nextState;
    wantedBytes = bytes;
    fieldBytes = 0;
  };
  const pass = (nextState: 'body' | 'skip', bytes: number): void => {
    state = nextState;
    leftBytes = bytes;
    if (bytes === 0) afterPass();
  };
  const afterPass = (): void => {
    if (state === 'skip') expect('magic', 4);
    else if (!isLastBlock) expect('block', 3);
    else if (hasChecksum) expect('checksum', 4);
    else expect('magic', 4);
  };
  const isInFrame = (): boolean => state !== 'magic' && state !== 'skip-size' && state !== 'skip';

  const takeField = (): void => {
    switch (state) {
      case 'magic': {
        const magic = field.readUInt32LE(0);
        if (magic === frameMagic) expect('descriptor', 1);
        else if (((magic ^ skippableMagic) & 0xffff_fff0) === 0) expect('skip-size', 4);
        else fail('no zstd frame begins there');
        return;
      }
      case 'descriptor': {
        const descriptor = field[0] ?? 0;
        const isSingleSegment = (descriptor & 0x20) !== 0;
        hasChecksum = (descriptor & 0x04) !== 0;
        const contentSizeFlag = descriptor >> 6;
        const contentSizeBytes = contentSizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << contentSizeFlag;
        const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
        const rest = (isSingleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes;
        hasFrame = true;
        expect('rest-of-header', rest);
        return;
      }
      case 'rest-of-header':
        expect('block', 3);
        return;
      case 'block': {
        const header = field.readUIntLE(0, 3);
        isLastBlock = (header & 1) === 1;
        const type = (header >> 1) & 3;
        if (type === 3) fail('a block is of a reserved type');
        // A run-length block stores one byte, whatever size it unfolds to.
        pass('body', type === 1 ? 1 : header >> 3);
        return;
      }
      case 'checksum':
        expect('magic', 4);
        return;
      case 'skip-size':
        pass('skip', field.readUInt32LE(0));
        return;
      case 'body':
      case 'skip':
        throw new Error('unreachable: this state has no field');
      default:
        state satisfies never;
    }
  };

  const push = (chunk: Buffer): readonly Buffer[] => {
    const pieces: Buffer[] = [];
    // Start of the frame bytes in this chunk that are not yet in a piece.
    let from = isInFrame() ? 0 : -1;
    let at = 0;
    const start = offset;
    while (at < chunk.length) {
      const isPassing = state === 'body' || state === 'skip';
      const taken = Math.min(isPassing ? leftBytes : wantedBytes - fieldBytes, chunk.length - at);
      if (!isPassing) chunk.copy(field, fieldBytes, at, at + taken);
      at += taken;
      offset = start + at;
      const wasMagic = state === 'magic';
      if (isPassing) {
        leftBytes -= taken;
        if (leftBytes === 0) afterPass();
      } else {
        fieldBytes += taken;
        if (fieldBytes === wantedBytes) takeField();
      }
      if (wasMagic && isInFrame()) {
        // The magic number may have begun in an earlier chunk, which did not know what it was.
        if (at >= 4) from = at - 4;
        else {
          pieces.push(magicBytes.subarray(0, 4 - at));
          from = 0;
        }
      } else if (from >= 0 && !isInFrame()) {
        pieces.push(chunk.subarray(from, at));
        from = -1;
      }
    }
    if (from >= 0 && from < chunk.length) pieces.push(chunk.subarray(from));
    return pieces;
  };

  const end = (): void => {
    if (state !== 'magic' || fieldBytes !== 0) fail('it ends within a frame');
    if (!hasFrame) fail('it has no frame');
  };
  return { push, end };
}

const magicBytes = Buffer.alloc(4);
magicBytes.writeUInt32LE(frameMagic);
