// SPDX-License-Identifier: Apache-2.0
// The two spellings of a number in a tar header: octal digits (POSIX pax, "ustar Interchange Format") and GNU's
// base-256 (tar manual, "Extensions to the Format"): the first byte's top bit is set, the rest is two's complement.
import { malformed } from './malformed.ts';

/**
 * The number in `field`; an empty field is 0.
 * @throws Malformed when it is neither spelling, or not exact in a double.
 */
export function readNumber(block: Buffer, start: number, length: number, name: string): number {
  const first = block[start] ?? 0;
  return first >= 0x80 ? readBase256(block, start, length, name) : readOctal(block, start, length, name);
}

function readOctal(block: Buffer, start: number, length: number, name: string): number {
  let at = start;
  const end = start + length;
  // Leading spaces are historic; NULs come from writers that blank a field in place.
  while (at < end && (block[at] === 0x20 || block[at] === 0)) at += 1;
  let value = 0;
  for (; at < end; at += 1) {
    const digit = (block[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  for (; at < end; at += 1) {
    const byte = block[at];
    if (byte === 0) break;
    if (byte !== 0x20) malformed(`the ${name} field is not octal`);
  }
  return value;
}

function readBase256(block: Buffer, start: number, length: number, name: string): number {
  const first = block[start] ?? 0;
  const isNegative = (first & 0x40) !== 0;
  let value = isNegative ? (first & 0x7f) - 0x80 : first & 0x3f;
  for (let index = 1; index < length; index += 1) {
    value = value * 256 + (block[start + index] ?? 0);
    if (!Number.isSafeInteger(value)) malformed(`the ${name} field is out of range`);
  }
  return value;
}

/** Largest number that `length` bytes hold in octal with a closing NUL. */
export function maxOctal(length: number): number {
  return 8 ** (length - 1) - 1;
}

/** Writes `value` in octal, zero-padded, with a closing NUL; the caller has checked it against `maxOctal`. */
export function writeOctal(block: Buffer, start: number, length: number, value: number): void {
  let rest = value;
  for (let at = start + length - 2; at >= start; at -= 1) {
    block[at] = 0x30 + (rest % 8);
    rest = Math.floor(rest / 8);
  }
  block[start + length - 1] = 0;
}

const decimalPattern = /^[0-9]{1,16}$/;

/**
 * A whole number as pax records spell it.
 * @throws Malformed when it is no decimal number or not exact in a double.
 */
export function readDecimal(text: string, name: string): number {
  const value = decimalPattern.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) malformed(`${name} is no number in range`);
  return value;
}

const timePattern = /^(-?)([0-9]{1,15})(?:\.([0-9]{0,40}))?$/;

/**
 * A pax time: decimal seconds, perhaps negative, perhaps with a fraction, of which nine digits count.
 * @throws Malformed when it is something else.
 */
export function readPaxTime(text: string): { readonly sec: number; readonly nsec: number } {
  const match = timePattern.exec(text);
  if (match === null) return malformed('mtime is no decimal time');
  const sec = Number(match[2]);
  const digits = match[3] ?? '';
  const nsec = Number(digits.padEnd(9, '0').slice(0, 9));
  if (match[1] !== '-') return { sec, nsec };
  // Floor, as timespec wants it: -1.25 is -2 s + 0.75 s.
  return nsec === 0 ? { sec: sec === 0 ? 0 : -sec, nsec: 0 } : { sec: -sec - 1, nsec: 1e9 - nsec };
}

/** The pax spelling of a time, which reads back as it was. */
export function formatPaxTime(sec: number, nsec: number): string {
  if (nsec === 0) return String(sec);
  const isNegative = sec < 0;
  const whole = isNegative ? -sec - 1 : sec;
  const fraction = String(isNegative ? 1e9 - nsec : nsec)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${isNegative ? '-' : ''}${whole}.${fraction}`;
}
