// SPDX-License-Identifier: Apache-2.0
// Getting let in: challenges, token servers, and what is said when it fails.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  type Answer,
  fakeImage,
  type FakeServer,
  serveImage,
  startFakeServer,
} from '../../../test/support/fake-registry.ts';
import { hasCode, parseImageReference } from '../../model/index.ts';
import type { CredentialLookup } from './credentials.ts';
import type { Credentials } from './credentials-file.ts';
import type { RegistrySource } from './place-source.ts';
import { createRegistrySource } from './source.ts';
import { openTestSource } from './testing/open-test-source.ts';

const signal = new AbortController().signal;
const layers = [Buffer.from('one'), Buffer.from('two'), Buffer.from('three')];
const image = fakeImage(layers);
const answerImage = serveImage({ documents: { '1': image.manifest }, blobs: image.blobs });
const me: Credentials = { kind: 'password', username: 'me', password: 'hunter2' };

let elapsedMs = 0;

function sourceFor(server: FakeServer, credentials?: Credentials | CredentialLookup): RegistrySource {
  return openTestSource(`${server.address}/app:1`, {
    credentials: typeof credentials === 'function' ? credentials : () => Promise.resolve(credentials),
    clock: { now: () => new Date(), monotonicMs: () => elapsedMs, sleep: () => Promise.resolve() },
  });
}

/** A token server and a registry that lets in who shows the newest of its tokens. */
async function startGuarded(
  guard: { readonly answerToken?: Answer; readonly lifetimeSeconds?: number; readonly challenge?: string } = {},
): Promise<{ readonly registry: FakeServer; readonly tokens: FakeServer; readonly revoke: () => void }> {
  let issued = 0;
  let valid = '';
  const tokens = await startFakeServer(async (request, response) => {
    if (guard.answerToken !== undefined && (await guard.answerToken(request, response)) !== false) return;
    issued += 1;
    valid = `token-${issued}`;
    response.end(JSON.stringify({ token: valid, expires_in: guard.lifetimeSeconds ?? 300 }));
  });
  const challenge =
    guard.challenge ?? `Bearer realm="http://${tokens.address}/token",service="s",scope="repository:app:pull"`;
  const registry = await startFakeServer(async (request, response) => {
    if (valid !== '' && request.headers['authorization'] === `Bearer ${valid}`)
      return await answerImage(request, response);
    response.writeHead(401, { 'www-authenticate': challenge, 'content-type': 'application/json' });
    response.end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}');
    return true;
  });
  return {
    registry,
    tokens,
    revoke: () => {
      valid = '';
    },
  };
}

test('a stranger gets a token for reading', async () => {
  const { registry, tokens } = await startGuarded();
  await sourceFor(registry).resolve(signal);
  assert.deepEqual(
    tokens.requests.map(({ method, url, headers }) => [method, url, headers['authorization']]),
    [['GET', '/token?service=s&scope=repository%3Aapp%3Apull', undefined]],
  );
});

test('a password is shown to the token server alone', async () => {
  const { registry, tokens } = await startGuarded();
  await sourceFor(registry, me).resolve(signal);
  const basic = `Basic ${Buffer.from('me:hunter2').toString('base64')}`;
  assert.equal(tokens.requests[0]?.headers['authorization'], basic);
  assert.ok(registry.requests.every(({ headers }) => headers['authorization'] !== basic));
});

test('an identity token is posted to the token server', async () => {
  const { registry, tokens } = await startGuarded();
  await sourceFor(registry, { kind: 'identity-token', token: 'refresh' }).resolve(signal);
  const [request] = tokens.requests;
  assert.equal(request?.method, 'POST');
  assert.equal(new URLSearchParams(request?.body).get('refresh_token'), 'refresh');
});

test('a registry token is sent as it is', async () => {
  const server = await startFakeServer(async (request, response) => {
    if (request.headers['authorization'] === 'Bearer mine') return await answerImage(request, response);
    response.writeHead(401, { 'www-authenticate': 'Bearer realm="https://never.invalid/"' }).end();
    return true;
  });
  await sourceFor(server, { kind: 'registry-token', token: 'mine' }).resolve(signal);
});

test('requests that are refused together get one token', async () => {
  const { registry, tokens } = await startGuarded();
  const source = sourceFor(registry);
  const { layers: found } = await source.resolve(signal);
  assert.equal(tokens.requests.length, 1);
  const fresh = sourceFor(registry);
  const opened = await Promise.all(found.map((layer) => fresh.openBlob(layer, 0, signal)));
  assert.equal(tokens.requests.length, 2);
  for (const { body } of opened) body.destroy();
});

test('a token that has run out is renewed beforehand, one that was revoked when it is refused', async () => {
  const { registry, tokens, revoke } = await startGuarded({ lifetimeSeconds: 100 });
  const source = sourceFor(registry);
  const refusals = (): number =>
    registry.requests.filter(({ headers }) => headers['authorization'] === undefined).length;
  const [layer] = (await source.resolve(signal)).layers;
  assert.ok(layer !== undefined);
  elapsedMs += 96_000;
  (await source.openBlob(layer, 0, signal)).body.destroy();
  assert.equal(tokens.requests.length, 2);
  assert.equal(refusals(), 1);
  revoke();
  (await source.openBlob(layer, 0, signal)).body.destroy();
  assert.equal(tokens.requests.length, 3);
});

test('a token that is refused when it is new is not asked for for ever', async () => {
  const tokens = await startFakeServer((request, response) => {
    response.end(`{"token":"t${request.url.length}"}`);
  });
  const registry = await startFakeServer((_, response) => {
    response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${tokens.address}/t"` }).end();
  });
  await assert.rejects(sourceFor(registry, me).resolve(signal), {
    code: 'registry-denied',
    message: /answered 401 \(as user me\)/,
  });
  assert.equal(registry.requests.length, 2);
  assert.equal(tokens.requests.length, 1);
});

test('basic authentication', async () => {
  const answer: Answer = async (request, response) => {
    if (request.headers['authorization'] === `Basic ${Buffer.from('me:hunter2').toString('base64')}`) {
      return await answerImage(request, response);
    }
    response.writeHead(401, { 'www-authenticate': 'Basic realm="Registry"' }).end();
    return true;
  };
  const registry = await startFakeServer(answer);
  await sourceFor(registry, me).resolve(signal);
  assert.equal(registry.requests.length, 3);

  const host = registry.address.replace('.', String.raw`\.`);
  await assert.rejects(sourceFor(registry).resolve(signal), (error: unknown) => {
    assert.ok(hasCode(error, 'registry-denied'));
    assert.match(error.message, new RegExp(`answered 401 \\(there are no credentials for ${host}\\)`));
    assert.match(error.hint ?? '', /slipway login 127\.0\.0\.1/);
    return true;
  });
  await assert.rejects(sourceFor(registry, { ...me, password: 'wrong' }).resolve(signal), {
    code: 'registry-denied',
    message: /\(as user me\)/,
  });
});

test('of several challenges the one for tokens is answered', async () => {
  const { tokens } = await startGuarded();
  const registry = await startFakeServer(async (request, response) => {
    if (String(request.headers['authorization']).startsWith('Bearer ')) return await answerImage(request, response);
    const bearer = `Bearer realm="http://${tokens.address}/token"`;
    response.writeHead(401, { 'www-authenticate': ['Basic realm="a, b"', `Negotiate, ${bearer}`] }).end();
    return true;
  });
  await sourceFor(registry, me).resolve(signal);
  // The scope that the challenge left out.
  assert.match(tokens.requests[0]?.url ?? '', /scope=repository%3Aapp%3Apull/);
});

test('a token server that refuses is reported with who was refused, and never with the password', async () => {
  const { registry } = await startGuarded({
    answerToken: (_, response) => {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end('{"details":"incorrect username or password"}');
    },
  });
  await assert.rejects(sourceFor(registry, me).resolve(signal), (error: unknown) => {
    assert.ok(hasCode(error, 'registry-denied'));
    assert.match(error.message, /^get a token for .* answered 401 \(as user me\): incorrect username or password$/);
    assert.doesNotMatch(`${error.message} ${error.hint} ${error.stack}`, /hunter2/);
    return true;
  });
});

const badTokenAnswers: readonly (readonly [string, Answer, object])[] = [
  [
    'that says nothing',
    (_, response) => void response.end('{}'),
    { code: 'registry-error', message: /without a token/ },
  ],
  [
    'that says too much',
    (_, response) => void response.end(`{"token":"${'x'.repeat(300_000)}"}`),
    { code: 'registry-error', message: /without a token/ },
  ],
  [
    'that is broken',
    (_, response) => void response.writeHead(500).end(),
    { code: 'registry-error', message: /answered 500/ },
  ],
];
for (const [name, answerToken, expected] of badTokenAnswers) {
  test(`a token server ${name} is reported`, async () => {
    const { registry } = await startGuarded({ answerToken });
    await assert.rejects(sourceFor(registry).resolve(signal), expected);
  });
}

const badChallenges: readonly (readonly [string, string, object])[] = [
  ['names no token server', 'Bearer service="s"', { code: 'registry-error', message: /names no address/ }],
  ['names a file', 'Bearer realm="file:///etc/passwd"', { code: 'registry-error', message: /names no address/ }],
  ['is of an unknown kind', 'Digest realm="x"', { code: 'registry-denied' }],
  ['is empty', '', { code: 'registry-denied' }],
];
for (const [name, challenge, expected] of badChallenges) {
  test(`a challenge that ${name} is refused`, async () => {
    const { registry } = await startGuarded({ challenge });
    await assert.rejects(sourceFor(registry, me).resolve(signal), expected);
  });
}

test('a loopback registry cannot send us to a token server elsewhere without TLS', async () => {
  const { registry } = await startGuarded({ challenge: 'Bearer realm="http://tokens.example/t"' });
  const source = createRegistrySource({
    reference: parseImageReference(`${registry.address}/app:1`),
    platform: { os: 'linux', architecture: 'amd64' },
    credentials: () => Promise.resolve(me),
    emit: () => undefined,
    userAgent: 'slipway-test/1',
  });
  after(() => source.close());
  await assert.rejects(source.resolve(signal), { code: 'registry-error', message: /tokens\.example without TLS/ });
});

test('a registry that hides from strangers is asked at its root what it wants', async () => {
  const answer: Answer = async (request, response) => {
    if (request.headers['authorization'] !== undefined) return await answerImage(request, response);
    if (request.url !== '/v2/') return false;
    response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
    return true;
  };
  const registry = await startFakeServer(answer);
  await sourceFor(registry, me).resolve(signal);
  const other = await startFakeServer(answer);
  await assert.rejects(sourceFor(other).resolve(signal), { code: 'repository-unknown' });
  assert.ok(other.requests.every(({ url }) => url !== '/v2/'));
});

test('credentials are looked up once, and only when they are wanted', async () => {
  let lookUps = 0;
  const lookUp: CredentialLookup = (registry, repository) => {
    lookUps += 1;
    assert.match(registry, /^127\.0\.0\.1:\d+$/);
    assert.equal(repository, 'app');
    return Promise.resolve(me);
  };
  const open = await startFakeServer(answerImage);
  await sourceFor(open, lookUp).resolve(signal);
  assert.equal(lookUps, 0);
  const { registry } = await startGuarded();
  await sourceFor(registry, lookUp).resolve(signal);
  assert.equal(lookUps, 1);
});
