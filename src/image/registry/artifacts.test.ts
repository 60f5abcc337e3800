// SPDX-License-Identifier: Apache-2.0
// What refers to an image: by the registry's own list, or by the tag that stands in for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, sha256, startFakeServer } from '../../../test/support/fake-registry.ts';
import type { Digest } from '../../model/index.ts';
import type { ArtifactReader } from '../types.ts';
import { openTestSource } from './testing/open-test-source.ts';

const signal = new AbortController().signal;
const subject = `sha256:${'a'.repeat(64)}` as Digest;
const type = 'application/vnd.example.signature+json';
const index = (...types: readonly (string | undefined)[]): Buffer =>
  Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: types.map((artifactType, at) => ({
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        digest: `sha256:${String(at).repeat(64)}`,
        size: 100,
        ...(artifactType === undefined ? {} : { artifactType }),
      })),
    }),
  );

async function readerOn(
  answer: Answer,
): Promise<{ readonly reader: ArtifactReader; readonly asked: () => readonly string[] }> {
  const server = await startFakeServer(answer);
  const source = openTestSource(`${server.address}/app:1`);
  return { reader: source.artifacts, asked: () => server.requests.map(({ url }) => url) };
}

test("a registry's list is asked for one type, and believed only for that", async () => {
  const { reader, asked } = await readerOn((request, response) => {
    if (!request.url.startsWith('/v2/app/referrers/')) return false;
    response.end(index(type, 'application/vnd.other', undefined));
    return true;
  });
  const found = await reader.listReferrers(subject, type, signal);
  assert.deepEqual(
    found.map(({ digest }) => digest[7]),
    ['0', '2'],
  );
  assert.deepEqual(asked(), [`/v2/app/referrers/${subject}?artifactType=${encodeURIComponent(type)}`]);
});

test('where a registry does not know the question, a tag has the list; where there is none, nothing refers', async () => {
  const { reader, asked } = await readerOn((request, response) => {
    if (request.url !== `/v2/app/manifests/sha256-${'a'.repeat(64)}`) return false;
    // The second as cosign lists a signature: by its configuration's type, which says nothing.
    response.end(index(type, 'application/vnd.oci.empty.v1+json', 'application/vnd.other'));
    return true;
  });
  assert.equal((await reader.listReferrers(subject, type, signal)).length, 2);
  assert.equal(asked().length, 2);
  assert.deepEqual(await reader.listReferrers(`sha256:${'b'.repeat(64)}` as Digest, type, signal), []);
});

test('what does not fit its digest, is too large or no list is refused', async () => {
  const blob = Buffer.from('a blob');
  const good = sha256(blob) as Digest;
  const { reader } = await readerOn((request, response) => {
    if (request.url.includes('/referrers/')) response.end('[]');
    else if (request.url.includes(good)) response.end(blob);
    else if (request.url.includes(subject)) response.end('other bytes');
    else return false;
    return true;
  });
  assert.deepEqual(await reader.readBlob(good, 100, signal), blob);
  assert.equal(await reader.readBlob(good, 3, signal), undefined);
  assert.equal(await reader.readBlob(`sha256:${'c'.repeat(64)}` as Digest, 100, signal), undefined);
  await assert.rejects(reader.readBlob(subject, 100, signal), { code: 'digest-mismatch' });
  await assert.rejects(reader.readArtifact(subject, signal), { code: 'digest-mismatch' });
  await assert.rejects(reader.listReferrers(subject, type, signal), { code: 'manifest-malformed' });
  assert.equal(await reader.readArtifact('no-such-tag', signal), undefined);
});
