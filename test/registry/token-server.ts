// SPDX-License-Identifier: Apache-2.0
// A token server that docker-registry trusts (distribution's "Token Authentication Specification"): signed JWTs that
// grant what was asked for to those who are known, and nothing to strangers.
import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { makeCertificate } from '../support/certificates.ts';
import { type FakeServer, startFakeServer } from '../support/fake-registry.ts';
import type { RegistryAuth } from '../support/registry.ts';

export type TokenServer = { readonly server: FakeServer; readonly registryAuth: RegistryAuth };

const issuer = 'slipway test';
const service = 'test registry';

export async function startTokenServer(known: {
  /** Passwords by user name. */
  readonly users: Readonly<Record<string, string>>;
  /** User names by refresh token. */
  readonly refreshTokens: Readonly<Record<string, string>>;
}): Promise<TokenServer> {
  const certificate = await makeCertificate();
  const key = createPrivateKey(certificate.key);
  const chain = [new X509Certificate(certificate.cert).raw.toString('base64')];

  const issue = (user: string | undefined, scopes: readonly string[]): string => {
    const now = Math.floor(Date.now() / 1000);
    const access = scopes.flatMap((scope) => {
      const [type = '', name = '', actions = ''] = scope.split(':');
      return user === undefined ? [] : [{ type, name, actions: actions.split(',') }];
    });
    const claims = {
      iss: issuer,
      sub: user ?? '',
      aud: service,
      iat: now,
      nbf: now - 5,
      exp: now + 300,
      jti: 'x',
      access,
    };
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${encode({ typ: 'JWT', alg: 'ES256', x5c: chain })}.${encode(claims)}`;
    const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  };

  const server = await startFakeServer((request, response) => {
    const isPost = request.method === 'POST';
    const fields = isPost ? new URLSearchParams(request.body) : new URL(request.url, 'http://x').searchParams;
    const [user = '', ...password] = Buffer.from(String(request.headers['authorization'] ?? '').slice(6), 'base64')
      .toString()
      .split(':');
    const isStranger = !isPost && user === '';
    const who = isPost ? known.refreshTokens[fields.get('refresh_token') ?? ''] : user;
    if (!isStranger && (who === undefined || (!isPost && known.users[who] !== password.join(':')))) {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"details":"incorrect user or password"}');
      return;
    }
    // Several scopes: one each in a query, separated by blanks in a form.
    const scopes = fields.getAll('scope').flatMap((scope) => scope.split(' '));
    const token = issue(isStranger ? undefined : who, scopes);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ [isPost ? 'access_token' : 'token']: token, expires_in: 300 }));
  });
  const realm = `http://${server.address}/token`;
  return {
    server,
    registryAuth: { kind: 'token', realm, service, issuer, certificatePath: certificate.certificatePath },
  };
}
