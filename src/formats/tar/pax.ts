// SPDX-License-Identifier: Apache-2.0
// The body of a pax extended header: records `LENGTH KEY=VALUE\n`, LENGTH counting the whole record in decimal
// (POSIX pax, "pax Header Block"). Values may hold any byte.
import { maxPathBytes } from './entry.ts';
import { malformed } from './malformed.ts';
import { readDecimal, readPaxTime } from './numbers.ts';

/** What records say; an absent member was not said. */
export type PaxAttributes = {
  path?: Buffer;
  linkPath?: Buffer;
  sizeBytes?: number;
  uid?: number;
  gid?: number;
  mtime?: { readonly sec: number; readonly nsec: number };
  xattrs?: Map<string, Buffer>;
  /** Values of `GNU.sparse.*` by the rest of the key. */
  sparse?: Map<string, string>;
  /** `GNU.sparse.offset` and `GNU.sparse.numbytes` of format 0.0, which repeat: alternating, in order. */
  sparsePairs?: number[];
};

const xattrPrefix = 'SCHILY.xattr.';
const sparsePrefix = 'GNU.sparse.';
const maxId = 0xffff_ffff;

/**
 * Reads the records of `body` into `attributes`, later ones over earlier ones; an empty value takes a key back.
 * @throws Malformed on a record whose length is wrong and on a value that can't be.
 */
export function readPaxRecords(body: Buffer, attributes: PaxAttributes): void {
  let start = 0;
  while (start < body.length) {
    // A length has at most seven digits below maxPaxBytes.
    let at = start;
    let length = 0;
    for (; at < body.length && at - start < 8; at += 1) {
      const digit = (body[at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) break;
      length = length * 10 + digit;
    }
    if (at === start || body[at] !== 0x20) malformed('a pax record has no length');
    const end = start + length;
    if (end > body.length || end < at + 2 || body[end - 1] !== 0x0a) malformed('a pax record lies about its length');
    const equals = body.indexOf(0x3d, at + 1);
    if (equals <= at + 1 || equals >= end) malformed('a pax record has no key');
    apply(attributes, body.toString('latin1', at + 1, equals), body.subarray(equals + 1, end - 1));
    start = end;
  }
}

function apply(attributes: PaxAttributes, key: string, value: Buffer): void {
  switch (key) {
    case 'path':
      if (value.length === 0) delete attributes.path;
      else attributes.path = name(value, 'path');
      return;
    case 'linkpath':
      if (value.length === 0) delete attributes.linkPath;
      else attributes.linkPath = name(value, 'linkpath');
      return;
    case 'size':
      if (value.length === 0) delete attributes.sizeBytes;
      else attributes.sizeBytes = readDecimal(value.toString('latin1'), 'size');
      return;
    case 'uid':
    case 'gid':
      if (value.length === 0) delete attributes[key];
      else attributes[key] = id(value, key);
      return;
    case 'mtime':
      if (value.length === 0) delete attributes.mtime;
      else attributes.mtime = readPaxTime(value.toString('latin1'));
      return;
    default:
      if (key.startsWith(xattrPrefix)) applyXattr(attributes, key.slice(xattrPrefix.length), value);
      else if (key.startsWith(sparsePrefix)) applySparse(attributes, key.slice(sparsePrefix.length), value);
  }
}

function applyXattr(attributes: PaxAttributes, key: string, value: Buffer): void {
  if (key === '' || key.length > 255 || key.includes('\0')) malformed('an extended attribute has no usable name');
  attributes.xattrs ??= new Map();
  attributes.xattrs.set(key, value);
}

function applySparse(attributes: PaxAttributes, key: string, value: Buffer): void {
  const text = value.toString('latin1');
  if (key === 'offset' || key === 'numbytes') {
    const pairs = (attributes.sparsePairs ??= []);
    if ((pairs.length % 2 === 0) !== (key === 'offset')) malformed('the sparse map does not alternate');
    pairs.push(readDecimal(text, `GNU.sparse.${key}`));
    return;
  }
  if (key === 'name') name(value, 'GNU.sparse.name');
  attributes.sparse ??= new Map();
  attributes.sparse.set(key, text);
}

function name(value: Buffer, key: string): Buffer {
  if (value.length > maxPathBytes) malformed(`${key} is longer than ${maxPathBytes} bytes`);
  if (value.includes(0)) malformed(`${key} holds a NUL`);
  return value;
}

function id(value: Buffer, key: string): number {
  const number = readDecimal(value.toString('latin1'), key);
  if (number > maxId) malformed(`${key} is out of range`);
  return number;
}

/** One record, with its length worked out. */
export function formatPaxRecord(key: string, value: Buffer): Buffer {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  // Adding the digits may itself add a digit.
  length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`, 'latin1'), value, Buffer.from('\n')]);
}
