// SPDX-License-Identifier: Apache-2.0
// From the header `authentication` to a session: by munged, which knows who made a credential and lets each be used
// once; or, for tests, by a text that says it.
import type { GatewayConfig } from '../../site/index.ts';
import { mungeDecode, MungeFailure } from '../../sys/munge-socket.ts';
import { badSession, parseTokens, Refusal, type Session } from './session.ts';

export type Authenticate = (header: string | undefined, system: string, signal: AbortSignal) => Promise<Session>;

/** A credential is base64 of at most 1 MiB; more than its registry passwords need is no use. */
const maxHeaderLength = 65_536;

/** @throws Refusal where the system is unknown or the credential is not accepted; MungeFailure where munged is silent. */
export function createAuthenticate(config: () => GatewayConfig): Authenticate {
  return async (header, system, signal) => {
    const { platforms, authentication } = config();
    const platform = platforms.get(system);
    if (platform === undefined) throw new Refusal(badSession, { reason: `there is no system ${printable(system)}` });
    if (header === undefined || header === '') {
      throw new Refusal(badSession, { reason: 'the header "authentication" is missing' });
    }
    if (header.length > maxHeaderLength) throw new Refusal(badSession, { reason: 'the credential is too long' });
    if (authentication === 'mock') return mockSession(header, system);
    const answer = await mungeDecode(header, { socketPath: platform.mungeSocketPath, signal });
    if (answer.status !== 'success') throw new Refusal(badSession, { reason: `munge: ${answer.text}` });
    const { uid, gid } = answer;
    return { system, uid, gid, user: undefined, tokens: parseTokens(answer.payload.toString('utf8')) };
  };
}

/** Whether a failure is munged's, and so the gateway's own. */
export function isMungeSilent(error: unknown): boolean {
  return error instanceof MungeFailure;
}

/** `good:USER:GROUP[:TOKEN[:UID:GID]]`; a token stands for the payload of a credential. */
function mockSession(header: string, system: string): Session {
  const [status, user = '', group, ...rest] = header.split(':');
  const isForm = group !== undefined && [0, 1, 3].includes(rest.length);
  if (!isForm || status !== 'good') throw new Refusal(badSession, { reason: 'the mock credential is not good' });
  const [token = '', uid = '500', gid = '500'] = rest;
  if (!/^\d{1,9}$/.test(uid) || !/^\d{1,9}$/.test(gid)) {
    throw new Refusal(badSession, { reason: 'the mock credential has no numeric ids' });
  }
  const tokens = new Map(token === '' ? [] : [['default', decodeURIComponent(token)] as const]);
  return { system, uid: Number(uid), gid: Number(gid), user, tokens };
}

function printable(text: string): string {
  return text.replaceAll(/[^ -~]/g, '?').slice(0, 100);
}
