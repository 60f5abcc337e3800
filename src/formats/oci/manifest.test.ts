// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { hasCode } from '../../model/index.ts';
import { parseManifest } from './manifest.ts';

const digest = (fill: string): string => `sha256:${fill.repeat(64)}`;
const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
const ociIndex = 'application/vnd.oci.image.index.v1+json';
const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digest('c'), size: 7 };
const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: digest('a'), size: 10 };
const manifest = { schemaVersion: 2, mediaType: ociManifest, config, layers: [layer] };
const member = {
  mediaType: ociManifest,
  digest: digest('d'),
  size: 5,
  platform: { os: 'linux', architecture: 'arm64' },
};
const index = { schemaVersion: 2, mediaType: ociIndex, manifests: [member] };

const parse = (value: unknown, contentType?: string): unknown =>
  parseManifest(Buffer.from(JSON.stringify(value)), 'the manifest of x', contentType);

test('a manifest gives its configuration and layers', () => {
  assert.deepEqual(parse({ ...manifest, unknown: { deep: [1] }, annotations: null }), {
    kind: 'manifest',
    config: { mediaType: config.mediaType, digest: config.digest, sizeBytes: 7 },
    layers: [{ mediaType: layer.mediaType, digest: layer.digest, sizeBytes: 10, urls: [] }],
  });
});

test('Docker manifests and lists, with the type that the server says', () => {
  const docker = {
    schemaVersion: 2,
    config: { ...config, mediaType: 'application/vnd.docker.container.image.v1+json' },
    layers: [{ ...layer, mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' }],
  };
  const type = 'application/vnd.docker.distribution.manifest.v2+json; charset=utf-8';
  assert.equal((parse(docker, type) as { kind: string }).kind, 'manifest');
  const list = { schemaVersion: 2, manifests: [{ ...member, mediaType: type.split(';')[0] }] };
  const listType = 'application/vnd.docker.distribution.manifest.list.v2+json';
  assert.equal((parse(list, listType) as { kind: string }).kind, 'index');
});

test('a document without any type is known by its shape', () => {
  assert.equal((parse({ ...manifest, mediaType: undefined }, 'application/json') as { kind: string }).kind, 'manifest');
  assert.equal((parse({ ...index, mediaType: undefined }) as { kind: string }).kind, 'index');
});

test('urls count for layers that registries may not distribute, and for no others', () => {
  const urls = ['https://elsewhere.example/layer'];
  const foreign = { ...layer, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', urls };
  const parsed = parse({
    ...manifest,
    layers: [
      { ...layer, urls },
      { ...foreign, digest: digest('b') },
    ],
  });
  assert.deepEqual(
    (parsed as { layers: { urls: unknown }[] }).layers.map((one) => one.urls),
    [[], urls],
  );
});

test('an index leaves out what is no image', () => {
  const attestation = {
    ...member,
    platform: { os: 'linux', architecture: 'amd64' },
    annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
  };
  const unknown = { ...member, platform: { os: 'unknown', architecture: 'unknown' } };
  const signature = { ...member, mediaType: 'application/vnd.example.signature+json' };
  const nested = { mediaType: ociIndex, digest: digest('e'), size: 9 };
  assert.deepEqual(parse({ ...index, manifests: [attestation, unknown, signature, member, nested] }), {
    kind: 'index',
    members: [
      { kind: 'manifest', mediaType: ociManifest, digest: member.digest, sizeBytes: 5, platform: member.platform },
      { kind: 'index', mediaType: ociIndex, digest: nested.digest, sizeBytes: 9 },
    ],
  });
});

const malformed: readonly (readonly [string, unknown, RegExp])[] = [
  ['a list', [], /not a JSON object/],
  ['another schema version', { ...manifest, schemaVersion: 3 }, /schemaVersion is not 2/],
  ['no configuration', { ...manifest, config: undefined }, /config is missing/],
  ['a configuration that is a string', { ...manifest, config: 'x' }, /config is not an object/],
  ['layers that are no list', { ...manifest, layers: {} }, /layers is not a list/],
  ['too many layers', { ...manifest, layers: Array.from({ length: 1025 }, () => layer) }, /layers has more than 1024/],
  [
    'a layer without a digest',
    { ...manifest, layers: [{ ...layer, digest: undefined }] },
    /layers\[0\]\.digest is missing/,
  ],
  [
    'a digest with a path in it',
    { ...manifest, layers: [{ ...layer, digest: 'sha256:../../x' }] },
    /layers\[0\]\.digest is no sha256/,
  ],
  [
    'a digest of an unknown kind',
    { ...manifest, layers: [{ ...layer, digest: 'md5:00' }] },
    /is no sha256 or sha512 digest: "md5:00"/,
  ],
  ['a negative size', { ...manifest, layers: [{ ...layer, size: -1 }] }, /layers\[0\]\.size is no size/],
  ['a fractional size', { ...manifest, layers: [{ ...layer, size: 1.5 }] }, /layers\[0\]\.size is no size/],
  ['a size as text', { ...manifest, layers: [{ ...layer, size: '10' }] }, /layers\[0\]\.size is no size/],
  [
    'a size beyond exact numbers',
    { ...manifest, layers: [{ ...layer, size: 2 ** 60 }] },
    /layers\[0\]\.size is no size/,
  ],
  ['two sizes for one digest', { ...manifest, layers: [layer, { ...layer, size: 11 }] }, /layers\[1\]\.size differs/],
  ['a manifest that is also an index', { ...manifest, manifests: [] }, /manifests has no place/],
  ['an index that is also a manifest', { ...index, layers: [] }, /layers has no place/],
  [
    'a platform without an architecture',
    { ...index, manifests: [{ ...member, platform: { os: 'linux' } }] },
    /platform\.architecture is missing/,
  ],
];
for (const [name, value, pattern] of malformed) {
  test(`refused as malformed: ${name}`, () => {
    assert.throws(() => parse(value), { code: 'manifest-malformed', message: pattern });
  });
}

test('refused as malformed: a type that contradicts the one it was served as', () => {
  assert.throws(() => parse(manifest, ociIndex), { code: 'manifest-malformed', message: /was served as/ });
});

test('refused as malformed: bytes that are not UTF-8', () => {
  const bytes = Buffer.concat([Buffer.from('{"schemaVersion":2,"x":"'), Buffer.from([0xff]), Buffer.from('"}')]);
  assert.throws(() => parseManifest(bytes, 'x'), { code: 'manifest-malformed', message: /not JSON in UTF-8/ });
});

const unsupported: readonly (readonly [string, unknown, RegExp])[] = [
  ['Docker schema 1', { schemaVersion: 1, name: 'x', fsLayers: [] }, /schema 1/],
  [
    'an artifact by its type',
    {
      ...manifest,
      artifactType: 'application/vnd.example.sbom',
      config: { ...config, mediaType: 'application/vnd.oci.empty.v1+json' },
    },
    /artifact of type "application\/vnd\.example\.sbom"/,
  ],
  [
    'an artifact by its configuration',
    { ...manifest, config: { ...config, mediaType: 'application/vnd.cncf.helm.config.v1+json' } },
    /artifact of type "application\/vnd\.cncf\.helm/,
  ],
  [
    'a document of unknown type',
    { ...manifest, mediaType: 'application/vnd.example+json' },
    /of type "application\/vnd\.example\+json"/,
  ],
  [
    'a layer that is no tar',
    { ...manifest, layers: [{ ...layer, mediaType: 'application/wasm' }] },
    /"application\/wasm" is no file system layer/,
  ],
  [
    'an encrypted layer',
    { ...manifest, layers: [{ ...layer, mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted' }] },
    /is encrypted/,
  ],
  ['neither', { schemaVersion: 2 }, /neither an image manifest nor an index/],
];
for (const [name, value, pattern] of unsupported) {
  test(`refused as unsupported: ${name}`, () => {
    assert.throws(() => parse(value), { code: 'manifest-unsupported', message: pattern });
  });
}

test('what a document says is shown short and without control characters', () => {
  const type = `application/vnd.\u001b[31m\u202e${'x'.repeat(5000)}`;
  assert.throws(
    () => parse({ ...manifest, mediaType: type }),
    (error: Error) => {
      assert.ok(error.message.length < 400);
      assert.doesNotMatch(error.message, /[\u001b\u202e]/);
      return true;
    },
  );
});

test('any bytes and any JSON are read or refused with a code', () => {
  const json = fc.oneof(
    fc.jsonValue(),
    // Near misses: a good document with some of its fields replaced.
    fc
      .tuple(
        fc.constantFrom(manifest, index),
        fc.dictionary(fc.constantFrom(...Object.keys({ ...manifest, ...index })), fc.jsonValue()),
      )
      .map(([good, spoiled]) => ({ ...good, ...spoiled })),
    fc
      .tuple(
        fc.constantFrom(layer, member),
        fc.dictionary(fc.constantFrom('mediaType', 'digest', 'size', 'platform', 'urls', '__proto__'), fc.jsonValue()),
      )
      .map(([good, spoiled]) => ({ ...manifest, layers: [{ ...good, ...spoiled }] })),
  );
  const bytes = fc.oneof(
    fc.uint8Array(),
    json.map((value) => Buffer.from(JSON.stringify(value))),
  );
  fc.assert(
    fc.property(
      bytes,
      fc.option(fc.constantFrom(ociManifest, ociIndex, 'application/json'), { nil: undefined }),
      (input, type) => {
        try {
          parseManifest(input, 'x', type);
        } catch (error) {
          assert.ok(hasCode(error, 'manifest-malformed', 'manifest-unsupported'), String(error));
        }
      },
    ),
    { numRuns: 500 },
  );
});
