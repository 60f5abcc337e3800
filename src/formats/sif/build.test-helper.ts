// SPDX-License-Identifier: Apache-2.0
// SIF files made by hand as the format's documentation has them, right or wrong as a test wants them.

export type SifObject = {
  /** 0x4004 is a partition. */
  readonly type: number;
  readonly content: Buffer;
  readonly name?: string;
  readonly isUsed?: boolean;
  /** File system, role and architecture of a partition. */
  readonly partition?: { readonly fileSystem: number; readonly role: number; readonly architecture?: string };
};

export type SifFields = {
  readonly magic?: string;
  readonly version?: string;
  readonly architecture?: string;
  readonly descriptorsTotal?: bigint;
  readonly descriptorsOffset?: bigint;
  /** Spoils a descriptor. */
  readonly spoil?: (descriptor: Buffer, index: number) => void;
};

const descriptorBytes = 585;
const descriptorsAt = 4096;
const dataAt = 32_768;
const slots = 48;

export function buildSif(objects: readonly SifObject[], fields: SifFields = {}): Buffer {
  const table = Buffer.alloc(slots * descriptorBytes);
  const data: Buffer[] = [];
  let at = dataAt;
  for (const [index, object] of objects.entries()) {
    const descriptor = table.subarray(index * descriptorBytes, (index + 1) * descriptorBytes);
    descriptor.writeInt32LE(object.type, 0);
    descriptor[4] = object.isUsed === false ? 0 : 1;
    descriptor.writeUInt32LE(index + 1, 5);
    descriptor.writeBigInt64LE(BigInt(at), 17);
    descriptor.writeBigInt64LE(BigInt(object.content.length), 25);
    descriptor.write(object.name ?? '', 73, 128, 'utf8');
    if (object.partition !== undefined) {
      descriptor.writeInt32LE(object.partition.fileSystem, 201);
      descriptor.writeInt32LE(object.partition.role, 205);
      descriptor.write(`${object.partition.architecture ?? '02'}\0`, 209, 'latin1');
    }
    fields.spoil?.(descriptor, index);
    const padding = Buffer.alloc((4096 - (object.content.length % 4096)) % 4096);
    data.push(object.content, padding);
    at += object.content.length + padding.length;
  }
  const header = Buffer.alloc(dataAt);
  header.write('#!/usr/bin/env run-singularity\n', 0, 'latin1');
  header.write(fields.magic ?? 'SIF_MAGIC\0', 32, 'latin1');
  header.write(`${fields.version ?? '01'}\0`, 42, 'latin1');
  header.write(`${fields.architecture ?? '02'}\0`, 45, 'latin1');
  header.writeBigInt64LE(1_700_000_000n, 64);
  header.writeBigInt64LE(1_700_000_000n, 72);
  header.writeBigInt64LE(BigInt(slots - objects.length), 80);
  header.writeBigInt64LE(fields.descriptorsTotal ?? BigInt(slots), 88);
  header.writeBigInt64LE(fields.descriptorsOffset ?? BigInt(descriptorsAt), 96);
  header.writeBigInt64LE(BigInt(table.length), 104);
  header.writeBigInt64LE(BigInt(dataAt), 112);
  header.writeBigInt64LE(BigInt(at - dataAt), 120);
  table.copy(header, descriptorsAt);
  return Buffer.concat([header, ...data]);
}

/** What every image built by Apptainer has: a definition file and a primary system partition of squashfs. */
export function usualObjects(squashfs: Buffer): readonly SifObject[] {
  return [
    { type: 0x4001, content: Buffer.from('Bootstrap: docker\nFrom: debian:12\n'), name: 'definition' },
    { type: 0x4006, content: Buffer.from('{}'), name: 'oci-config' },
    { type: 0x4004, content: squashfs, name: 'rootfs', partition: { fileSystem: 1, role: 2 } },
  ];
}
