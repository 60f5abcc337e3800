// SPDX-License-Identifier: Apache-2.0
// Tokens for a registry: the distribution project's token authentication (GET, "Token Authentication Specification")
// and its OAuth2 form (POST, for identity tokens). This file builds requests and reads answers; it sends nothing.
import { parseJson, SlipwayError } from '../../model/index.ts';
import type { HttpRequest } from '../../sys/http.ts';
import type { Credentials } from './credentials-file.ts';

/** A bearer challenge with what is needed to get a token. */
export type TokenChallenge = {
  readonly realm: URL;
  readonly service?: string;
  readonly scope: string;
};

export type Token = {
  readonly value: string;
  readonly lifetimeMs: number;
};

/** The specification: "For compatibility with older clients, a token should never be returned with less than 60 s". */
const defaultLifetimeSeconds = 60;
const maxLifetimeSeconds = 24 * 3600;
const clientId = 'slipway';

export function tokenRequest(
  challenge: TokenChallenge,
  credentials: Credentials | undefined,
): HttpRequest & { readonly body?: string } {
  const headers = { 'accept': 'application/json', 'accept-encoding': 'identity' };
  const service: [string, string][] = challenge.service === undefined ? [] : [['service', challenge.service]];
  if (credentials?.kind === 'identity-token') {
    const form = new URLSearchParams([
      ['grant_type', 'refresh_token'],
      ...service,
      ['client_id', clientId],
      ['scope', challenge.scope],
      ['refresh_token', credentials.token],
    ]);
    return {
      method: 'POST',
      url: challenge.realm,
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    };
  }
  const url = new URL(challenge.realm);
  for (const [name, value] of service) url.searchParams.set(name, value);
  // Several scopes in one challenge are separated by blanks, and asked for one by one.
  for (const scope of challenge.scope.split(' ')) if (scope !== '') url.searchParams.append('scope', scope);
  if (credentials?.kind !== 'password') return { method: 'GET', url, headers };
  url.searchParams.set('account', credentials.username);
  return { method: 'GET', url, headers: { ...headers, authorization: basicAuthorization(credentials) } };
}

/** The token in a token server's answer; undefined when there is none that could be sent in a header. */
export function parseTokenAnswer(text: string): Token | undefined {
  const document = parseJson(text);
  if (typeof document !== 'object' || document === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(document));
  const value = [fields.get('token'), fields.get('access_token')].find(
    (token) => typeof token === 'string' && token !== '',
  );
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) return undefined;
  const given = fields.get('expires_in');
  const seconds = typeof given === 'number' && given > 0 ? Math.min(given, maxLifetimeSeconds) : defaultLifetimeSeconds;
  return { value, lifetimeMs: seconds * 1000 };
}

export function basicAuthorization(credentials: Extract<Credentials, { kind: 'password' }>): string {
  const { username, password } = credentials;
  if (username.includes(':')) {
    const reason = 'the user name has a colon, which basic authentication cannot carry';
    throw new SlipwayError('credentials-unreadable', { path: 'their store', reason });
  }
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
