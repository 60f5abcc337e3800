// SPDX-License-Identifier: Apache-2.0
// The client against a server that plays registries good and bad.
import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import {
  type Answer,
  fakeImage,
  fakeIndex,
  type FakeDocument,
  type FakeServer,
  indexType,
  manifestType,
  sendBlob,
  serveImage,
  sha256,
  startFakeServer,
} from '../../../test/support/fake-registry.ts';
import type { PullEvent } from '../../model/index.ts';
import type { LayerDescriptor } from '../types.ts';
import type { RegistrySource } from './place-source.ts';
import type { RegistrySourceOptions } from './source.ts';
import { openTestSource } from './testing/open-test-source.ts';

const signal = new AbortController().signal;
const layers = [Buffer.from('the base'), Buffer.from('what is above')];
const good = fakeImage(layers);

type Client = { readonly source: RegistrySource; readonly events: PullEvent[]; readonly slept: number[] };

function clientFor(name: string, options: Partial<RegistrySourceOptions> = {}): Client {
  const events: PullEvent[] = [];
  const slept: number[] = [];
  let elapsedMs = 0;
  const source = openTestSource(name, {
    emit: (event) => events.push(event),
    random: () => 0.5,
    clock: {
      now: () => new Date('2026-01-01T00:00:00Z'),
      monotonicMs: () => elapsedMs,
      sleep: (durationMs) => {
        slept.push(durationMs);
        elapsedMs += durationMs;
        return Promise.resolve();
      },
    },
    ...options,
  });
  return { source, events, slept };
}

/** A good registry, unless `first` answers. */
function serving(first: Answer, image = good, documents: Record<string, FakeDocument> = {}): Promise<FakeServer> {
  const rest = serveImage({ documents: { '1': image.manifest, ...documents }, blobs: image.blobs });
  return startFakeServer(async (request, response) =>
    (await first(request, response)) === false ? await rest(request, response) : true,
  );
}

const resolve = async (name: string, options?: Partial<RegistrySourceOptions>): Promise<unknown> =>
  await clientFor(name, options).source.resolve(signal);

const firstLayer = (image = good): LayerDescriptor => {
  const [, blob] = [...image.blobs.values()];
  assert.ok(blob !== undefined);
  return { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: sha256(blob) as never, sizeBytes: blob.length };
};

test('an image resolves to verified documents', async () => {
  const server = await serving(() => false);
  const { source, events } = clientFor(`${server.address}/app:1`);
  const image = await source.resolve(signal);
  assert.equal(image.digest, sha256(good.manifest.bytes));
  assert.deepEqual(image.manifestBytes, good.manifest.bytes);
  assert.deepEqual(
    image.layers.map(({ digest, sizeBytes, diffId }) => [digest, sizeBytes, diffId]),
    layers.map((layer) => [sha256(layer), layer.length, sha256(layer)]),
  );
  assert.deepEqual(events, []);
  const [first] = server.requests;
  assert.equal(first?.headers['user-agent'], 'slipway-test/1');
  for (const type of [manifestType, indexType]) assert.ok(String(first?.headers['accept']).includes(type));
});

test('the tag does not matter where there is a digest', async () => {
  const server = await serving(() => false);
  const image = await clientFor(`${server.address}/app:absent@${sha256(good.manifest.bytes)}`).source.resolve(signal);
  assert.equal(image.digest, sha256(good.manifest.bytes));
});

test('a manifest with other bytes than its digest is refused before it is read', async () => {
  const wanted = sha256(Buffer.from('something else'));
  const server = await startFakeServer((_, response) => {
    response.end('not even JSON');
  });
  await assert.rejects(resolve(`${server.address}/app@${wanted}`), { code: 'digest-mismatch' });
});

test('a Docker-Content-Digest that the bytes do not have is refused', async () => {
  const server = await startFakeServer((_, response) => {
    response.writeHead(200, { 'content-type': manifestType, 'docker-content-digest': sha256(Buffer.from('x')) });
    response.end(good.manifest.bytes);
  });
  await assert.rejects(resolve(`${server.address}/app:1`), { code: 'digest-mismatch' });
});

test('a manifest without end is not read to its end', async () => {
  const server = await startFakeServer((_, response) => {
    response.writeHead(200, { 'content-type': manifestType });
    const more = (): void => {
      while (response.write(Buffer.alloc(65_536, ' ')));
      response.once('drain', more);
    };
    more();
  });
  await assert.rejects(resolve(`${server.address}/app:1`), {
    code: 'manifest-malformed',
    message: /larger than 4194304/,
  });
});

const configurations: readonly (readonly [string, Parameters<typeof fakeImage>[1], RegExp])[] = [
  ['of another size than its descriptor', {}, /bytes, not/],
  ['with too few layers', { config: { rootfs: { type: 'layers', diff_ids: [] } } }, /0 layers .* the manifest 2/],
];
for (const [name, options, message] of configurations) {
  test(`a configuration ${name} is refused`, async () => {
    const image = fakeImage(layers, options);
    const isSizeCase = name.startsWith('of another size');
    const server = await serving((request, response) => {
      if (!isSizeCase || !request.url.includes('/blobs/')) return false;
      response.end('{}');
      return true;
    }, image);
    await assert.rejects(resolve(`${server.address}/app:1`), { code: 'manifest-malformed', message });
  });
}

test('a configuration with other bytes than its digest is refused', async () => {
  const server = await serving((request, response) => {
    const [, digest = ''] = request.url.split('/blobs/');
    const blob = good.blobs.get(digest);
    if (blob === undefined) return false;
    response.end(Buffer.alloc(blob.length, ' '));
    return true;
  });
  await assert.rejects(resolve(`${server.address}/app:1`), { code: 'digest-mismatch' });
});

test('an image for another architecture resolves with a warning, for another system it does not', async () => {
  const arm = fakeImage(layers, { platform: { architecture: 'arm64' } });
  const windows = fakeImage(layers, { platform: { os: 'windows' } });
  const { address } = await serving(() => false, arm);
  const { source, events } = clientFor(`${address}/app:1`);
  await source.resolve(signal);
  assert.deepEqual(
    events.map((event) => event.type === 'warning' && event.code),
    ['platform-differs'],
  );
  const other = await serving(() => false, windows);
  await assert.rejects(resolve(`${other.address}/app:1`), { code: 'platform-missing', message: /windows\/amd64/ });
});

function platformImages(): { readonly index: FakeDocument; readonly answer: Answer; readonly amd: string } {
  const amd = fakeImage(layers);
  const arm = fakeImage(layers, { platform: { architecture: 'arm64', variant: 'v8' } });
  const member = { document: amd.manifest, platform: { os: 'linux', architecture: 'amd64' } };
  const index = fakeIndex([
    { ...member, annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } },
    { document: arm.manifest, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
    member,
  ]);
  const answer = serveImage({
    documents: { 'index': index, 'amd': amd.manifest, 'arm': arm.manifest, 'nest-1': fakeIndex([{ document: index }]) },
    blobs: new Map([...amd.blobs, ...arm.blobs]),
  });
  return { index, answer, amd: sha256(amd.manifest.bytes) };
}

test('an index leads to the image of the platform', async () => {
  const { index, answer, amd } = platformImages();
  const { address } = await startFakeServer(answer);
  const image = await clientFor(`${address}/app:index`).source.resolve(signal);
  assert.equal(image.digest, amd);
  assert.equal(image.indexDigest, sha256(index.bytes));
  const arm = await clientFor(`${address}/app:index`, {
    platform: { os: 'linux', architecture: 'aarch64' },
  }).source.resolve(signal);
  assert.deepEqual(arm.config.platform, { os: 'linux', architecture: 'arm64', variant: 'v8' });
});

test('an index within an index is followed', async () => {
  const { answer, amd } = platformImages();
  const { address } = await startFakeServer(answer);
  assert.equal((await clientFor(`${address}/app:nest-1`).source.resolve(signal)).digest, amd);
});

test('a platform that an index does not have is refused with those that it has', async () => {
  const { answer } = platformImages();
  const { address } = await startFakeServer(answer);
  const platform = { os: 'linux', architecture: 's390x' };
  await assert.rejects(resolve(`${address}/app:nest-1`, { platform }), {
    code: 'platform-missing',
    message: /no image for linux\/s390x; there is linux\/amd64, linux\/arm64\/v8$/,
  });
});

test('indexes nested too deeply, or too many, are given up', async () => {
  let nested = platformImages().index;
  const documents: Record<string, FakeDocument> = {};
  for (let depth = 0; depth < 4; depth++) {
    documents[`level${depth}`] = nested;
    nested = fakeIndex([{ document: nested }]);
  }
  const empties = Array.from({ length: 20 }, (_, count) => ({
    document: { mediaType: indexType, bytes: Buffer.from(`{"schemaVersion":2,"x":${count},"manifests":[]}`) },
  }));
  empties.forEach(({ document }, count) => {
    documents[`empty${count}`] = document;
  });
  const { address } = await serving(() => false, good, { ...documents, deep: nested, wide: fakeIndex(empties) });
  await assert.rejects(resolve(`${address}/app:deep`), { code: 'manifest-unsupported', message: /deeper than 3/ });
  await assert.rejects(resolve(`${address}/app:wide`), { code: 'manifest-unsupported', message: /more than 16/ });
});

test('a member of another size than its index says is refused', async () => {
  const document = { mediaType: manifestType, bytes: Buffer.concat([good.manifest.bytes, Buffer.from(' ')]) };
  const member = { mediaType: manifestType, digest: sha256(good.manifest.bytes), size: good.manifest.bytes.length - 1 };
  const index = {
    mediaType: indexType,
    bytes: Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [{ ...member, size: document.bytes.length }] })),
  };
  const { address } = await serving(() => false, good, { index });
  await assert.rejects(resolve(`${address}/app:index`), { code: 'manifest-malformed', message: /its index says/ });
});

test('a missing tag is reported with tags that resemble it', async () => {
  const { address } = await serving((request, response) => {
    if (!request.url.startsWith('/v2/app/tags/list')) return false;
    response.end('{"name":"app","tags":["1.0","2.1","2.2"]}');
    return true;
  });
  await assert.rejects(resolve(`${address}/app:2.3`), {
    code: 'manifest-unknown',
    message: /has no tag "2\.3" in repository app/,
    hint: 'there are: 2.1, 2.2, 1.0',
  });
});

test('a missing repository is told from a missing tag', async () => {
  const { address } = await startFakeServer(() => false);
  await assert.rejects(resolve(`${address}/app:1`), { code: 'repository-unknown' });
});

test('tags are listed page by page', async () => {
  const { address, requests } = await startFakeServer((request, response) => {
    const last = new URL(request.url, 'http://x').searchParams.get('last');
    if (last === null) response.setHeader('link', '<http://elsewhere.invalid/v2/other/tags/list?last=b>; rel="next"');
    response.end(JSON.stringify({ tags: last === null ? ['a', 'b'] : ['c'] }));
  });
  assert.deepEqual(await clientFor(`${address}/app`).source.listTags(signal), ['a', 'b', 'c']);
  assert.deepEqual(
    requests.map(({ url }) => url),
    ['/v2/app/tags/list?n=1000', '/v2/app/tags/list?last=b'],
  );
});

test('a loopback registry without TLS is found, and asked without TLS from then on', async () => {
  const { address } = await serving(() => false);
  const { source } = clientFor(`${address}/app:1`, { plainHttp: false });
  assert.equal((await source.resolve(signal)).layers.length, 2);
});

test('no other registry is asked without TLS, unless it was asked for', async () => {
  const { address, requests } = await serving(() => false);
  // 0.0.0.0 reaches this machine too, but it is no loopback address.
  const name = `${address.replace('127.0.0.1', '0.0.0.0')}/app:1`;
  await assert.rejects(resolve(name, { plainHttp: false }), { code: 'registry-not-https' });
  assert.equal(requests.length, 0);
  await resolve(name);
});

test('a registry that is not there is reported at once', async () => {
  const { source, slept } = clientFor('127.0.0.1:1/app:1');
  await assert.rejects(source.resolve(signal), { code: 'registry-unreachable', message: /ECONNREFUSED/ });
  assert.deepEqual(slept, []);
});

test('what fails for a moment is tried again, with growing pauses', async () => {
  let failures = 3;
  const { address } = await serving((request, response) => {
    if (!request.url.includes('/manifests/') || failures-- <= 0) return false;
    if (failures === 1) response.destroy();
    else response.writeHead(503).end();
    return true;
  });
  const { source, slept, events } = clientFor(`${address}/app:1`);
  await source.resolve(signal);
  assert.deepEqual(slept, [250, 500, 1000]);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['retrying', 'retrying', 'retrying'],
  );
});

test('a document whose transfer breaks is fetched again', async () => {
  let isFirst = true;
  const { address } = await serving((request, response) => {
    if (!request.url.includes('/manifests/') || !isFirst) return false;
    isFirst = false;
    response.writeHead(200, { 'content-type': manifestType, 'content-length': good.manifest.bytes.length });
    response.write(good.manifest.bytes.subarray(0, 20), () => response.destroy());
    return true;
  });
  const { source, slept } = clientFor(`${address}/app:1`);
  await source.resolve(signal);
  assert.equal(slept.length, 1);
});

test('trying again ends, with the last failure', async () => {
  const { address, requests } = await startFakeServer((_, response) => {
    response.writeHead(500, { 'content-type': 'application/json' });
    response.end('{"errors":[{"code":"UNKNOWN","message":"disk \\u001b[31mon fire"}]}');
  });
  await assert.rejects(resolve(`${address}/app:1`), {
    code: 'registry-error',
    message: /answered 500: disk \?\[31mon fire$/,
  });
  assert.equal(requests.length, 5);
});

test('a registry that asks for patience gets it, within reason', async () => {
  let isFirst = true;
  const { address } = await serving((_, response) => {
    if (!isFirst) return false;
    isFirst = false;
    response.writeHead(429, { 'retry-after': '7' }).end();
    return true;
  });
  const { source, slept } = clientFor(`${address}/app:1`);
  await source.resolve(signal);
  assert.deepEqual(slept, [7250]);

  const { address: strict, requests } = await startFakeServer((_, response) => {
    response.writeHead(429, { 'retry-after': '3600', 'content-type': 'application/json' });
    response.end('{"errors":[{"code":"TOOMANYREQUESTS","message":"pull rate limit"}]}');
  });
  await assert.rejects(resolve(`${strict}/app:1`), { code: 'registry-rate-limited', message: /: pull rate limit$/ });
  assert.equal(requests.length, 1);
});

test('a pause between attempts ends with the signal', async () => {
  const { address } = await startFakeServer((_, response) => {
    response.writeHead(503).end();
  });
  const controller = new AbortController();
  const { source } = clientFor(`${address}/app:1`, {
    clock: {
      now: () => new Date(),
      monotonicMs: () => 0,
      sleep: (_, aborted) => {
        controller.abort(new Error('enough'));
        aborted.throwIfAborted();
        return Promise.resolve();
      },
    },
  });
  await assert.rejects(source.resolve(controller.signal), /^Error: enough$/);
});

test('a server that is silent is given up', async () => {
  const { address } = await startFakeServer(() => new Promise(() => undefined));
  const limits = { answerTimeoutMs: 50, attempts: 1 };
  await assert.rejects(resolve(`${address}/app:1`, { limits }), {
    code: 'registry-unreachable',
    message: /no answer for 0\.05 s/,
  });
});

test('a server that speaks no HTTP is reported as such', async () => {
  const { createServer } = await import('node:net');
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('SSH-2.0-OpenSSH_9.2\r\n');
  });
  await new Promise<void>((ready) => {
    server.listen(0, '127.0.0.1', ready);
  });
  after(() => server.close());
  const { port } = server.address() as { port: number };
  await assert.rejects(resolve(`127.0.0.1:${port}/app:1`), { code: 'registry-unreachable' });
});

test('credentials do not follow a redirect to another host', async () => {
  const storage = await startFakeServer((request, response) => sendBlob(layers[0] ?? Buffer.of(), request, response));
  const registry = await serving((request, response) => {
    if (request.headers['authorization'] === undefined) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
      return true;
    }
    if (!request.url.includes('/blobs/') || request.url.includes('/moved/')) return false;
    const isInside = request.url.includes(sha256(layers[1] ?? Buffer.of()));
    const target = isInside ? `/moved${request.url}` : `http://user:word@${storage.address}/signed?x=1`;
    response.writeHead(307, { location: target }).end();
    return true;
  });
  const { source } = clientFor(`${registry.address}/app:1`, {
    credentials: () => Promise.resolve({ kind: 'password', username: 'me', password: 'secret' }),
  });
  const { body } = await source.openBlob(firstLayer(), 0, signal);
  assert.equal(await text(body), 'the base');
  const [request] = storage.requests;
  assert.equal(request?.url, '/signed?x=1');
  assert.equal(request?.headers['authorization'], undefined);
});

test('within one origin, authorization follows a redirect', async () => {
  const registry = await startFakeServer((request, response) => {
    if (request.headers['authorization'] === undefined) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
    } else if (request.url === '/elsewhere') sendBlob(layers[0] ?? Buffer.of(), request, response);
    else response.writeHead(302, { location: '/elsewhere' }).end();
  });
  const { source } = clientFor(`${registry.address}/app:1`, {
    credentials: () => Promise.resolve({ kind: 'password', username: 'me', password: 'secret' }),
  });
  assert.equal(await text((await source.openBlob(firstLayer(), 0, signal)).body), 'the base');
});

const redirects: readonly (readonly [string, string | undefined, RegExp])[] = [
  ['in a circle', '/v2/app/manifests/1', /redirects more than 5 times/],
  ['to a file', 'file:///etc/passwd', /redirects to file:/],
  ['to nowhere', 'http://[', /no address/],
  ['without saying where', undefined, /no address/],
];
for (const [name, location, message] of redirects) {
  test(`a redirect ${name} is refused`, async () => {
    const { address } = await startFakeServer((_, response) => {
      response.writeHead(301, location === undefined ? {} : { location }).end();
    });
    await assert.rejects(resolve(`${address}/app:1`), { code: 'registry-error', message });
  });
}

test('an address of storage that has expired is asked for again', async () => {
  let isExpired = true;
  const storage = await startFakeServer((request, response) => {
    if (isExpired) response.writeHead(403).end();
    else sendBlob(layers[0] ?? Buffer.of(), request, response);
    isExpired = false;
  });
  const { address, requests } = await startFakeServer((_, response) => {
    response.writeHead(307, { location: `http://${storage.address}/x` }).end();
  });
  const { body } = await clientFor(`${address}/app:1`).source.openBlob(firstLayer(), 0, signal);
  assert.equal(await text(body), 'the base');
  assert.equal(requests.length, 2);
});

test('a blob is opened at an offset', async () => {
  const { address, requests } = await serving(() => false);
  const opened = await clientFor(`${address}/app:1`).source.openBlob(firstLayer(), 4, signal);
  assert.equal(opened.offsetBytes, 4);
  assert.equal(await text(opened.body), 'base');
  assert.equal(requests[0]?.headers['range'], 'bytes=4-7');
});

const rangeless: readonly (readonly [string, Answer])[] = [
  ['knows no ranges', (_, response) => void response.end('the base')],
  [
    'answers 416',
    (request, response) => {
      if (request.headers['range'] === undefined) response.end('the base');
      else response.writeHead(416).end();
    },
  ],
  [
    'answers with another range',
    (request, response) => {
      if (request.headers['range'] === undefined) response.end('the base');
      else response.writeHead(206, { 'content-range': 'bytes 0-7/8' }).end('the base');
    },
  ],
];
for (const [name, answer] of rangeless) {
  test(`a server that ${name} gives the blob from its start, and that is said`, async () => {
    const { address } = await startFakeServer(answer);
    const opened = await clientFor(`${address}/app:1`).source.openBlob(firstLayer(), 4, signal);
    assert.equal(opened.offsetBytes, 0);
    assert.equal(await text(opened.body), 'the base');
  });
}

test('a layer that the registry may not distribute comes from its own address where that is asked for, without credentials', async () => {
  const elsewhere = await startFakeServer((request, response) => {
    if (request.url === '/gone') return false;
    sendBlob(layers[0] ?? Buffer.of(), request, response);
    return true;
  });
  const urls = [
    'ftp://x/y',
    'http://elsewhere.example/',
    `http://${elsewhere.address}/gone`,
    `http://${elsewhere.address}/layer`,
  ];
  const mediaType = 'application/vnd.oci.image.layer.nondistributable.v1.tar';
  const image = fakeImage([layers[0] ?? Buffer.of()], { layer: { mediaType, urls } });
  const { address } = await serving((request, response) => {
    if (request.headers['authorization'] === undefined) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
      return true;
    }
    if (!request.url.includes(sha256(layers[0] ?? Buffer.of()))) return false;
    response.writeHead(404).end();
    return true;
  }, image);
  const { source } = clientFor(`${address}/app:1`, {
    credentials: () => Promise.resolve({ kind: 'password', username: 'me', password: 'secret' }),
    foreignLayers: 'fetch',
  });
  const [layer] = (await source.resolve(signal)).layers;
  assert.ok(layer !== undefined);
  assert.equal(await text((await source.openBlob(layer, 0, signal)).body), 'the base');
  const { source: careful } = clientFor(`${address}/app:1`, {
    credentials: () => Promise.resolve({ kind: 'password', username: 'me', password: 'secret' }),
  });
  await careful.resolve(signal);
  await assert.rejects(careful.openBlob(layer, 0, signal), { code: 'foreign-layer-refused' });
  assert.deepEqual(
    elsewhere.requests.map(({ url, headers }) => [url, headers['authorization']]),
    [
      ['/gone', undefined],
      ['/layer', undefined],
    ],
  );
});

test('a blob that nobody has is reported', async () => {
  const { address } = await startFakeServer(() => false);
  await assert.rejects(clientFor(`${address}/app:1`).source.openBlob(firstLayer(), 0, signal), {
    code: 'blob-unknown',
  });
});
