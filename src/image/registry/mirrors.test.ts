// SPDX-License-Identifier: Apache-2.0
// Mirrors, blocks and insecure registries, as the rules of registries.conf have them.
import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { fakeImage, sendBlob, serveImage, sha256, startFakeServer } from '../../../test/support/fake-registry.ts';
import { noRegistryRules, parseImageReference, type PullEvent, type RegistryRule } from '../../model/index.ts';
import type { RegistrySource } from './place-source.ts';
import { createRegistrySource } from './source.ts';

const signal = new AbortController().signal;
const layer = Buffer.from('a layer');
const image = fakeImage([layer]);
const answer = serveImage({ documents: { '1': image.manifest }, blobs: image.blobs });

function open(
  name: string,
  rule: Partial<RegistryRule>,
): { readonly source: RegistrySource; readonly events: PullEvent[] } {
  const events: PullEvent[] = [];
  const full = { prefix: 'r.test', location: 'r.test', isInsecure: false, isBlocked: false, mirrors: [], ...rule };
  const source = createRegistrySource({
    reference: parseImageReference(name),
    platform: { os: 'linux', architecture: 'amd64' },
    credentials: () => Promise.resolve(undefined),
    rules: { ...noRegistryRules, rules: [full] },
    emit: (event) => events.push(event),
    userAgent: 'slipway-test/1',
    clock: { now: () => new Date(), monotonicMs: () => 0, sleep: () => Promise.resolve() },
  });
  after(() => source.close());
  return { source, events };
}

const mirror = (location: string): RegistryRule['mirrors'][number] => ({
  location,
  isInsecure: false,
  pullFrom: 'all',
});

test('the first mirror that knows the image gives it, and says which were passed over', async () => {
  const [empty, full, own] = await Promise.all([
    startFakeServer(() => false),
    startFakeServer((request, response) => answer({ ...request, url: request.url.replace('/cache', '') }, response)),
    startFakeServer(answer),
  ]);
  const { source, events } = open('r.test/app:1', {
    location: `${own.address}/own`,
    mirrors: [mirror(empty.address), mirror(`${full.address}/cache`)],
  });
  const resolved = await source.resolve(signal);
  assert.ok(full.requests.every(({ url }) => url.startsWith('/v2/cache/app/')));
  assert.equal(own.requests.length, 0);
  assert.equal(events.filter((event) => event.type === 'warning' && event.code === 'mirror-passed-over').length, 1);
  const [first] = resolved.layers;
  assert.ok(first !== undefined);
  assert.equal(await text((await source.openBlob(first, 0, signal)).body), 'a layer');
  assert.equal(own.requests.length, 0);
});

test('a blob that the mirror has lost comes from the next place', async () => {
  const mirrored = await startFakeServer(async (request, response) =>
    request.url.endsWith(sha256(layer)) ? false : await answer(request, response),
  );
  const own = await startFakeServer((request, response) => {
    if (!request.url.endsWith(sha256(layer))) return false;
    sendBlob(layer, request, response);
    return true;
  });
  const { source } = open('r.test/app:1', { location: own.address, mirrors: [mirror(mirrored.address)] });
  const [first] = (await source.resolve(signal)).layers;
  assert.ok(first !== undefined);
  assert.equal(await text((await source.openBlob(first, 0, signal)).body), 'a layer');
});

test('what no place has is reported as its own place says it', async () => {
  const [one, two] = await Promise.all([startFakeServer(() => false), startFakeServer(() => false)]);
  const { source } = open('r.test/app:1', { location: two.address, mirrors: [mirror(one.address)] });
  await assert.rejects(source.resolve(signal), { code: 'repository-unknown', message: new RegExp(two.address) });
});

test('a blocked registry is asked nothing', () => {
  assert.throws(() => open('r.test/app:1', { isBlocked: true }), {
    code: 'registry-blocked',
    message: /blocks r\.test/,
  });
});
