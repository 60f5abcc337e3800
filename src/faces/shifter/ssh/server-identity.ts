// SPDX-License-Identifier: Apache-2.0
// The keys of a job's sshd. All of them come from one secret that the job alone has, so that each of its nodes knows the
// others without having talked to them.
import { hkdfSync } from 'node:crypto';
import { type Ed25519Key, ed25519KeyOf, publicKeyText } from '../../../formats/openssh/index.ts';

export type ServerIdentity = {
  readonly hostKey: Ed25519Key;
  /** Whom it lets in: a line of authorized_keys. */
  readonly authorizedKey: string;
  /** Absent where the user has the private key: it is in ~/.udiRoot/id_rsa.key, as Shifter's plugin made it. */
  readonly clientKey?: Ed25519Key;
};

const secretBytes = 32;

export function identityOfJob(secret: Buffer): ServerIdentity {
  const clientKey = keyFor('client', secret);
  return { hostKey: keyFor('host', secret), authorizedKey: publicKeyText(clientKey, 'job'), clientKey };
}

/** For a key of the user's own; `secret` is of this node alone, so no other node can know the server. */
export function identityForKey(publicKey: string, secret: Buffer): ServerIdentity {
  return { hostKey: keyFor('host', secret), authorizedKey: publicKey };
}

/** Base64 of a secret; undefined for anything else. */
export function parseSecret(text: string): Buffer | undefined {
  const bytes = /^[A-Za-z0-9+/]{43}=\n?$/.test(text) ? Buffer.from(text, 'base64') : undefined;
  return bytes?.length === secretBytes ? bytes : undefined;
}

function keyFor(use: 'client' | 'host', secret: Buffer): Ed25519Key {
  return ed25519KeyOf(Buffer.from(hkdfSync('sha256', secret, '', `ssh ${use} key of a job`, 32)));
}
