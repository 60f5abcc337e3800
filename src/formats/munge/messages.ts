// SPDX-License-Identifier: Apache-2.0
// munged's wire format, version 4 (munge 0.5, `libcommon/m_msg.c`): numbers are big-endian; a header of 11 bytes (magic,
// version, type, retry, body length), then the body. A client sends one request over a connection and gets one answer;
// munged learns from the socket who the client is, so a request says nothing about that.

/** Why munged refused, in munge.h's order (`EMUNGE_…`); `unknown` for a number that it has not. */
export type MungeStatus = 'success' | 'invalid' | 'expired' | 'rewound' | 'replayed' | 'unauthorized' | 'failed';

export type MungeAnswer = {
  readonly status: MungeStatus;
  /** munged's own words; empty on success. */
  readonly text: string;
  /** Who made the credential, as munged saw it then. Meaningful also where the credential is expired or replayed. */
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly encodedAt: number;
  readonly payload: Buffer;
};

export const mungeHeaderBytes = 11;

const magic = 0x0060_6d4b;
const version = 4;
const types = { encodeRequest: 2, encodeAnswer: 3, decodeRequest: 4, decodeAnswer: 5 } as const;
/** munged's own limit (MUNGE_MAXIMUM_REQ_LEN). */
const maxBodyBytes = 1024 * 1024;
const anyId = 0xffff_ffff;

/**
 * Asks for a credential with `payload`, which anyone may decode, or only `onlyUid`; munged's own cipher, MAC,
 * compression and lifetime.
 */
export function encodeEncodeRequest(payload: Uint8Array, onlyUid: number = anyId): Buffer {
  const body = Buffer.alloc(20 + payload.length);
  // Cipher, MAC and compression 1: the default; realm: none; lifetime 0: the default.
  body.set([1, 1, 1, 0], 0);
  body.writeUInt32BE(0, 4);
  body.writeUInt32BE(onlyUid, 8);
  body.writeUInt32BE(anyId, 12);
  body.writeUInt32BE(payload.length, 16);
  body.set(payload, 20);
  return message(types.encodeRequest, body);
}

/** Asks what a credential says. The text goes with the NUL that munged wants at its end. */
export function encodeDecodeRequest(credential: string): Buffer {
  const text = Buffer.from(`${credential}\0`, 'latin1');
  const body = Buffer.alloc(4 + text.length);
  body.writeUInt32BE(text.length, 0);
  body.set(text, 4);
  return message(types.decodeRequest, body);
}

function message(type: number, body: Buffer): Buffer {
  if (body.length > maxBodyBytes) throw new RangeError(`a munge request has at most ${maxBodyBytes} bytes`);
  const header = Buffer.alloc(mungeHeaderBytes);
  header.writeUInt32BE(magic, 0);
  header.set([version, type, 0], 4);
  header.writeUInt32BE(body.length, 7);
  return Buffer.concat([header, body]);
}

/** The length of the body that follows. @throws Error where these are not the first bytes of an answer. */
export function readMungeHeader(bytes: Buffer): { readonly type: number; readonly bodyBytes: number } {
  if (bytes.length < mungeHeaderBytes || bytes.readUInt32BE(0) !== magic) throw new Error('this is not munged');
  if (bytes[4] !== version) throw new Error(`munged speaks version ${bytes[4]} of its protocol, not ${version}`);
  const bodyBytes = bytes.readUInt32BE(7);
  if (bodyBytes > maxBodyBytes) throw new Error(`munged announces ${bodyBytes} bytes`);
  return { type: bytes[5] ?? 0, bodyBytes };
}

/** The credential in an answer to `encodeEncodeRequest`. @throws Error with munged's reason. */
export function decodeEncodeAnswer(type: number, body: Buffer): string {
  if (type !== types.encodeAnswer) throw new Error(`munged answered with a message of type ${type}`);
  const reader = createReader(body);
  const error = readError(reader);
  if (error.status !== 'success') throw new Error(error.text);
  return reader.bytes(reader.u32()).toString('latin1').replace(/\0$/, '');
}

/** What an answer to `encodeDecodeRequest` says. @throws Error for what is no such answer. */
export function decodeCredentialAnswer(type: number, body: Buffer): MungeAnswer {
  if (type !== types.decodeAnswer) throw new Error(`munged answered with a message of type ${type}`);
  const reader = createReader(body);
  const error = readError(reader);
  // Cipher, MAC, compression, realm, lifetime, address.
  reader.bytes(3);
  reader.bytes(reader.u8());
  reader.u32();
  reader.bytes(reader.u8());
  const encodedAt = reader.u32();
  reader.u32();
  const uid = reader.u32();
  const gid = reader.u32();
  // Who may decode it: munged has seen to that.
  reader.bytes(8);
  return { ...error, uid, gid, encodedAt, payload: Buffer.from(reader.bytes(reader.u32())) };
}

const statuses: Readonly<Record<number, MungeStatus>> = {
  0: 'success',
  14: 'invalid',
  15: 'expired',
  16: 'rewound',
  17: 'replayed',
  18: 'unauthorized',
};
/** munge_strerror(3), for what munged sends without words. */
const words: Readonly<Record<string, string>> = {
  invalid: 'invalid credential',
  expired: 'expired credential',
  rewound: 'rewound credential',
  replayed: 'replayed credential',
  unauthorized: 'unauthorized credential decode',
};

type Reader = {
  readonly u8: () => number;
  readonly u32: () => number;
  readonly bytes: (count: number) => Buffer;
};

function readError(reader: Reader): { readonly status: MungeStatus; readonly text: string } {
  const number = reader.u8();
  // The text counts its NUL.
  const said = reader
    .bytes(reader.u8())
    .toString('latin1')
    .replaceAll(/[^ -~]/g, '');
  // 8 to 13: what looks like no credential of this munged at all.
  const status = statuses[number] ?? (number >= 8 && number <= 13 ? 'invalid' : 'failed');
  if (status === 'success') return { status, text: '' };
  return { status, text: said === '' ? (words[status] ?? `error ${number}`) : said };
}

function createReader(body: Buffer): Reader {
  let at = 0;
  const bytes = (count: number): Buffer => {
    if (at + count > body.length) throw new Error("munged's answer is cut short");
    at += count;
    return body.subarray(at - count, at);
  };
  return { bytes, u8: () => bytes(1)[0] ?? 0, u32: () => bytes(4).readUInt32BE(0) };
}
