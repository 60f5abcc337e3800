// SPDX-License-Identifier: Apache-2.0
// The Singularity Image Format, version 1: a header of 128 bytes, a table of descriptors of 585 bytes each, and data that
// they point to (sylabs/sif, docs/image-format and pkg/sif/sif.go). Little-endian, without padding. All offsets and sizes
// are the file's own word: each is checked against the file's length.
import { SlipwayError } from '../../model/index.ts';

/** After 32 bytes for an interpreter line. */
export const sifMagic: Buffer = Buffer.from('SIF_MAGIC\0', 'latin1');
export const sifMagicStartBytes = 32;
const sifHeaderBytes = 128;
const descriptorBytes = 585;
/** The reference implementation makes 48. */
const maxDescriptors = 65_536;

export type SifFileSystem = 'squashfs' | 'ext3' | 'archive' | 'raw' | 'encrypted-squashfs' | 'unknown';

/** One data object of a file. */
export type SifDescriptor = {
  /** `partition`, `deffile`, …; the number in hexadecimal where it has no name. */
  readonly type: string;
  readonly id: number;
  readonly startBytes: number;
  readonly sizeBytes: number;
  /** Its name, for messages. */
  readonly name: string;
  readonly partition?: {
    readonly fileSystem: SifFileSystem;
    readonly role: 'system' | 'primary-system' | 'data' | 'overlay' | 'unknown';
    /** As Go and OCI name it; undefined where the file does not know. */
    readonly architecture: string | undefined;
  };
};

export type SifImage = {
  /** As Go and OCI name it; undefined where the file does not know. */
  readonly architecture: string | undefined;
  /** Seconds since the epoch. */
  readonly createdSec: number;
  readonly descriptors: readonly SifDescriptor[];
};

const dataTypes: ReadonlyMap<number, string> = new Map([
  [0x4001, 'deffile'],
  [0x4002, 'environment'],
  [0x4003, 'labels'],
  [0x4004, 'partition'],
  [0x4005, 'signature'],
  [0x4006, 'json'],
  [0x4007, 'generic'],
  [0x4008, 'cryptographic-message'],
  [0x4009, 'sbom'],
  [0x400a, 'oci-root-index'],
  [0x400b, 'oci-blob'],
]);
const fileSystems: readonly SifFileSystem[] = [
  'unknown',
  'squashfs',
  'ext3',
  'archive',
  'raw',
  'encrypted-squashfs',
  // Singularity's second kind, by gocryptfs.
  'encrypted-squashfs',
];
const roles = ['unknown', 'system', 'primary-system', 'data', 'overlay'] as const;
const architectures: readonly (string | undefined)[] = [
  undefined,
  '386',
  'amd64',
  'arm',
  'arm64',
  'ppc64',
  'ppc64le',
  'mips',
  'mipsle',
  'mips64',
  'mips64le',
  's390x',
  'riscv64',
];

export type SifBytes = {
  /** For messages. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Bytes at an offset, fewer only at the file's end. */
  readonly read: (offsetBytes: number, lengthBytes: number) => Buffer;
};

/**
 * Reads header and descriptors. Objects may overlap, as nothing is made of that.
 * @throws SlipwayError `sif-malformed`
 */
export function parseSif({ path, sizeBytes, read }: SifBytes): SifImage {
  const fail = (reason: string): never => {
    throw new SlipwayError('sif-malformed', { path, reason });
  };
  const header = read(0, sifHeaderBytes);
  if (header.length < sifHeaderBytes) fail('it is shorter than a header');
  if (!header.subarray(sifMagicStartBytes, sifMagicStartBytes + sifMagic.length).equals(sifMagic)) {
    fail('it does not begin as SIF does');
  }
  const version = header.toString('latin1', 42, 44);
  if (version !== '01') fail(`it is of version ${JSON.stringify(version)}, and 01 is known`);
  const offsetOf = (buffer: Buffer, at: number, what: string): number => {
    const value = buffer.readBigInt64LE(at);
    return value >= 0n && value <= BigInt(sizeBytes)
      ? Number(value)
      : fail(`${what} is ${value}, beyond the file's end`);
  };
  const createdSec = Number(BigInt.asIntN(53, header.readBigInt64LE(64)));
  const total = header.readBigInt64LE(88);
  if (total < 0n || total > BigInt(maxDescriptors)) fail(`it has ${total} descriptors, and ${maxDescriptors} are read`);
  const start = offsetOf(header, 96, 'the offset of the descriptors');
  const count = Number(total);
  if (start + count * descriptorBytes > sizeBytes) fail(`its ${count} descriptors run beyond its end`);
  const table = read(start, count * descriptorBytes);
  if (table.length < count * descriptorBytes) fail('the file ends within the descriptors');

  const descriptors: SifDescriptor[] = [];
  for (let index = 0; index < count; index += 1) {
    const bytes = table.subarray(index * descriptorBytes, (index + 1) * descriptorBytes);
    if (bytes[4] === 0) continue;
    const what = `descriptor ${index + 1}`;
    const startBytes = offsetOf(bytes, 17, `the offset of ${what}`);
    const length = offsetOf(bytes, 25, `the size of ${what}`);
    if (startBytes + length > sizeBytes) fail(`${what} runs beyond its end`);
    const type = bytes.readInt32LE(0);
    const typeName = dataTypes.get(type) ?? `0x${(type >>> 0).toString(16)}`;
    descriptors.push({
      type: typeName,
      id: bytes.readUInt32LE(5),
      startBytes,
      sizeBytes: length,
      name: untilNul(bytes.subarray(73, 73 + 128)),
      ...(typeName === 'partition' ? { partition: readPartition(bytes.subarray(201)) } : {}),
    });
  }
  return { architecture: readArchitecture(header.subarray(45, 48)), createdSec, descriptors };
}

function readPartition(extra: Buffer): NonNullable<SifDescriptor['partition']> {
  return {
    fileSystem: fileSystems[extra.readInt32LE(0)] ?? 'unknown',
    role: roles[extra.readInt32LE(4)] ?? 'unknown',
    architecture: readArchitecture(extra.subarray(8, 11)),
  };
}

/** Two digits and a NUL. */
function readArchitecture(bytes: Buffer): string | undefined {
  const text = untilNul(bytes);
  return /^\d\d$/.test(text) ? architectures[Number(text)] : undefined;
}

function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}
