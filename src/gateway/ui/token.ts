// SPDX-License-Identifier: Apache-2.0
// Signed, short-lived words that stand for an administrator of one system: the link that is printed, and the cookie that
// opening it gives. They say only who and until when; the key is the gateways' own and never leaves the database.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

export type UiPass = {
  readonly kind: 'link' | 'session';
  readonly system: string;
  readonly uid: number;
  /** Seconds since 1970. */
  readonly until: number;
  /** No two passes have the same. */
  readonly nonce: string;
};

export function newUiKey(): string {
  return randomBytes(32).toString('base64url');
}

export function newNonce(): string {
  return randomBytes(12).toString('base64url');
}

export function signPass(pass: UiPass, key: string): string {
  const content = Buffer.from(JSON.stringify([pass.kind, pass.system, pass.uid, pass.until, pass.nonce])).toString(
    'base64url',
  );
  return `${content}.${signatureOf(content, key).toString('base64url')}`;
}

/** The pass, if this gateway (or another on its database) has signed it, it is of this kind, and its time is not over. */
export function readPass(text: string, kind: UiPass['kind'], key: string, nowSec: number): UiPass | undefined {
  const [content = '', signature = '', ...rest] = text.split('.');
  if (rest.length > 0 || text.length > 1000) return undefined;
  const given = Buffer.from(signature, 'base64url');
  const right = signatureOf(content, key);
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
  // Signed, so written by signPass.
  const [is, system, uid, until, nonce] = JSON.parse(Buffer.from(content, 'base64url').toString()) as [
    UiPass['kind'],
    string,
    number,
    number,
    string,
  ];
  return is === kind && until > nowSec ? { kind, system, uid, until, nonce } : undefined;
}

function signatureOf(content: string, key: string): Buffer {
  return createHmac('sha256', key).update(content).digest();
}
