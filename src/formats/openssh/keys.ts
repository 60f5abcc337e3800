// SPDX-License-Identifier: Apache-2.0
// Keys as OpenSSH writes them: public ones in a line (RFC 4253, RFC 8709), private ones in OpenSSH's own form
// (PROTOCOL.key), without a passphrase.
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';

/** An Ed25519 key pair. `seed` is the secret half (RFC 8032), 32 bytes; `point` the public one. */
export type Ed25519Key = { readonly seed: Buffer; readonly point: Buffer };

const algorithm = 'ssh-ed25519';
/** What comes before the seed in PKCS #8 (RFC 8410). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');
const seedBytes = 32;
const lineWidth = 70;
const maxPublicKeyText = 16 << 10;

/** @throws RangeError unless the seed has 32 bytes. */
export function ed25519KeyOf(seed: Buffer): Ed25519Key {
  if (seed.length !== seedBytes) throw new RangeError(`a seed has ${seedBytes} bytes, not ${seed.length}`);
  const key = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' });
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return { seed, point: Buffer.from(x ?? '', 'base64url') };
}

/** A line of authorized_keys, without its end. */
export function publicKeyText(key: Ed25519Key, comment: string): string {
  return `${algorithm} ${publicBlob(key).toString('base64')} ${comment}`;
}

/** The text of a private key's file. */
export function privateKeyText(key: Ed25519Key, comment: string): string {
  // The reader compares two equal numbers, which tell a wrong passphrase; without one any will do.
  const check = createHash('sha256').update(key.point).digest().subarray(0, 4);
  const open = Buffer.concat([
    check,
    check,
    field(algorithm),
    field(key.point),
    field(Buffer.concat([key.seed, key.point])),
    field(comment),
  ]);
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, (8 - (open.length % 8)) % 8));
  const one = Buffer.from([0, 0, 0, 1]);
  const all = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    field('none'),
    field('none'),
    field(''),
    one,
    field(publicBlob(key)),
    field(Buffer.concat([open, padding])),
  ]).toString('base64');
  const lines = Array.from({ length: Math.ceil(all.length / lineWidth) }, (_, index) =>
    all.slice(index * lineWidth, (index + 1) * lineWidth),
  );
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
}

/**
 * Reads `TYPE BASE64 [COMMENT]`, and gives it without the comment; undefined for anything else, options of
 * authorized_keys(5) before the type among it.
 */
export function parsePublicKey(text: string): string | undefined {
  if (text.length > maxPublicKeyText) return undefined;
  const found = /^((?:ssh|ecdsa)-[a-z0-9-]+) ([A-Za-z0-9+/]+={0,2})(?: [^\r\n\0]*)?\n?$/.exec(text);
  if (found === null) return undefined;
  const [, type = '', base64 = ''] = found;
  return Buffer.from(base64, 'base64').indexOf(field(type)) === 0 ? `${type} ${base64}` : undefined;
}

function publicBlob({ point }: Ed25519Key): Buffer {
  return Buffer.concat([field(algorithm), field(point)]);
}

/** RFC 4251, "string". */
function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
