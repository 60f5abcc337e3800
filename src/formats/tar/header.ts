// SPDX-License-Identifier: Apache-2.0
// The 512-byte header block: POSIX ustar, old (v7) and GNU forms, and star's variant of ustar.
import { malformed } from './malformed.ts';
import { readNumber } from './numbers.ts';

export type HeaderBlock = {
  /** The type flag as a character; NUL, the old spelling of a regular file, is '0'. */
  readonly typeflag: string;
  /** Whether the flag was NUL: only then does a trailing slash make a directory (v7). */
  readonly isV7: boolean;
  readonly path: Buffer;
  readonly linkTarget: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSec: number;
  readonly devMajor: number;
  readonly devMinor: number;
};

const checksumAt = 148;
const magicAt = 257;
const slash = Buffer.from('/');

/** Whether all of the block's bytes are 0. */
export function isZeroBlock(block: Buffer): boolean {
  for (let at = 0; at < block.length; at += 1) if (block[at] !== 0) return false;
  return true;
}

/**
 * Reads one header block. Its buffers are views into `block`.
 * @throws Malformed on a wrong checksum and on fields that are no numbers.
 */
export function readHeaderBlock(block: Buffer): HeaderBlock {
  checkSum(block);
  const isUstar = block.toString('latin1', magicAt, magicAt + 6) === 'ustar\0';
  const isGnu = block.toString('latin1', magicAt, magicAt + 8) === 'ustar  \0';
  const flag = block[156] ?? 0;
  const hasDevice = (isUstar || isGnu) && (flag === 0x33 || flag === 0x34);
  const sizeBytes = readNumber(block, 124, 12, 'size');
  if (sizeBytes < 0) malformed('the size is negative');
  return {
    typeflag: flag === 0 ? '0' : String.fromCharCode(flag),
    isV7: flag === 0,
    path: isUstar ? withPrefix(block) : untilNul(block, 0, 100),
    linkTarget: untilNul(block, 157, 100),
    mode: readNumber(block, 100, 8, 'mode') & 0o7777,
    uid: readId(block, 108, 'uid'),
    gid: readId(block, 116, 'gid'),
    sizeBytes,
    mtimeSec: readNumber(block, 136, 12, 'mtime'),
    devMajor: hasDevice ? readNumber(block, 329, 8, 'devmajor') : 0,
    devMinor: hasDevice ? readNumber(block, 337, 8, 'devminor') : 0,
  };
}

function readId(block: Buffer, start: number, name: string): number {
  const value = readNumber(block, start, 8, name);
  if (value < 0 || value > 0xffff_ffff) malformed(`the ${name} field is out of range`);
  return value;
}

function withPrefix(block: Buffer): Buffer {
  const name = untilNul(block, 0, 100);
  if (block[345] === 0) return name;
  // star keeps access and change time behind a shorter prefix, and says so in the block's last bytes.
  const isStar = block.toString('latin1', 508, 512) === 'tar\0';
  const prefix = untilNul(block, 345, isStar ? 131 : 155);
  return prefix.length === 0 ? name : Buffer.concat([prefix, slash, name]);
}

function untilNul(block: Buffer, start: number, length: number): Buffer {
  let end = start;
  while (end < start + length && block[end] !== 0) end += 1;
  return block.subarray(start, end);
}

/** The sum of all bytes with the checksum field taken as spaces; some old writers summed signed bytes. */
function checkSum(block: Buffer): void {
  let unsigned = 8 * 0x20;
  let high = 0;
  for (let at = 0; at < 512; at += 1) {
    if (at === checksumAt) at += 8;
    const byte = block[at] ?? 0;
    unsigned += byte;
    high += byte >> 7;
  }
  const stored = readNumber(block, checksumAt, 8, 'checksum');
  if (stored !== unsigned && stored !== unsigned - high * 256) malformed('the header checksum is wrong');
}

/** Computes and stores a block's checksum; the field is six octal digits, NUL, space. */
export function sealHeaderBlock(block: Buffer): void {
  block.fill(0x20, checksumAt, checksumAt + 8);
  let sum = 0;
  for (let at = 0; at < 512; at += 1) sum += block[at] ?? 0;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, checksumAt, 'latin1');
}
