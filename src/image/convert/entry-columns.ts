// SPDX-License-Identifier: Apache-2.0
// The columns of a layer's index, and how they stand in a file: in this machine's byte order, each column behind the
// other, the widest first so that all are aligned.

export type EntryColumns = {
  readonly size: Float64Array;
  readonly pathPlace: Float64Array;
  readonly linkPlace: Float64Array;
  readonly uid: Uint32Array;
  readonly gid: Uint32Array;
  readonly mtime: Uint32Array;
  readonly content: Uint32Array;
  readonly mode: Uint16Array;
  readonly pathLength: Uint16Array;
  readonly linkLength: Uint16Array;
  readonly type: Uint8Array;
  readonly pathShared: Uint8Array;
};

type Column = Float64Array | Uint32Array | Uint16Array | Uint8Array;
type Maker = {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, offset: number, length: number): Column;
  new (length: number): Column;
};

// In the order of the file.
const makers = {
  size: Float64Array,
  pathPlace: Float64Array,
  linkPlace: Float64Array,
  uid: Uint32Array,
  gid: Uint32Array,
  mtime: Uint32Array,
  content: Uint32Array,
  mode: Uint16Array,
  pathLength: Uint16Array,
  linkLength: Uint16Array,
  type: Uint8Array,
  pathShared: Uint8Array,
} as const satisfies Record<keyof EntryColumns, Maker>;
const names = Object.keys(makers) as readonly (keyof EntryColumns)[];
const rowBytes = names.reduce((sum, name) => sum + makers[name].BYTES_PER_ELEMENT, 0);
/** Entries, and how many parts follow the columns. */
const headerBytes = 8;

export function emptyColumns(capacity: number): EntryColumns {
  return mapColumns((maker) => new maker(capacity));
}

/** A copy with room for more. */
export function widened(columns: EntryColumns, capacity: number): EntryColumns {
  return mapColumns((maker, name) => {
    const wide = new maker(capacity);
    wide.set(columns[name]);
    return wide;
  });
}

/** The first `count` rows and further parts of bytes, for `splitColumns`. */
export function joinColumns(columns: EntryColumns, count: number, rest: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(count, 0);
  header.writeUInt32LE(rest.length, 4);
  const lengths = Buffer.from(Float64Array.from(rest, ({ length }) => length).buffer);
  const rows = names.map((name) => {
    const column = columns[name].subarray(0, count);
    return Buffer.from(column.buffer, column.byteOffset, column.byteLength);
  });
  return Buffer.concat([header, lengths, ...rows, ...rest]);
}

/** @throws RangeError where `bytes` are not what `joinColumns` gives */
export function splitColumns(bytes: Buffer): {
  readonly columns: EntryColumns;
  readonly count: number;
  readonly rest: readonly Buffer[];
} {
  const count = bytes.readUInt32LE(0);
  const parts = bytes.readUInt32LE(4);
  if (headerBytes + parts * 8 + count * rowBytes > bytes.length) throw new RangeError('its columns have no end');
  // A copy of its own begins where every column is aligned.
  const own = Uint8Array.prototype.slice.call(bytes);
  const lengths = new Float64Array(own.buffer, headerBytes, parts);
  let at = headerBytes + parts * 8;
  const columns = mapColumns((maker) => {
    const column = new maker(own.buffer, at, count);
    at += column.byteLength;
    return column;
  });
  const rest = Array.from(lengths, (length) => {
    const part = Buffer.from(own.buffer, at, Math.min(length, own.length - at));
    if (part.length !== length) throw new RangeError('its parts are longer than the whole');
    at += length;
    return part;
  });
  if (at !== own.length) throw new RangeError('its length is wrong');
  return { columns, count, rest };
}

function mapColumns(make: (maker: Maker, name: keyof EntryColumns) => Column): EntryColumns {
  return Object.fromEntries(names.map((name) => [name, make(makers[name], name)])) as unknown as EntryColumns;
}
