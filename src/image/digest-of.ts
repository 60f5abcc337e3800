// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { type Digest, digestAlgorithm, SlipwayError } from '../model/index.ts';

/** The sha256 digest of bytes. */
export function digestOf(bytes: Uint8Array, algorithm: 'sha256' | 'sha512' = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest;
}

/** @throws SlipwayError `digest-mismatch`; `what` is what the bytes are, for the message */
export function verifyDigest(bytes: Uint8Array, expected: Digest, what: string): void {
  const actual = digestOf(bytes, digestAlgorithm(expected));
  if (actual !== expected) throw new SlipwayError('digest-mismatch', { what, actual, expected });
}
