// SPDX-License-Identifier: Apache-2.0
// Manifests, configurations and names of images: JSON whose members are of the wrong kind, of extreme length, missing or
// twice there, and references of every sort of character.
import assert from 'node:assert/strict';
import { parseImageConfig, parseManifest } from '../../src/formats/oci/index.ts';
import { formatImageReference, parseDigest, parseImageReference } from '../../src/model/index.ts';
import { mutate } from './mutate.ts';
import type { Random } from './random.ts';
import { checkMessage, type FuzzTarget, parse } from './target.ts';

const digest = `sha256:${'a1'.repeat(32)}`;
const descriptor = {
  mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
  digest,
  size: 1000,
  urls: ['https://example.org/x'],
};
const seeds: readonly [object, ...object[]] = [
  {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { ...descriptor, mediaType: 'application/vnd.oci.image.config.v1+json' },
    layers: [descriptor, { ...descriptor, mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' }],
    annotations: { a: 'b' },
  },
  {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        ...descriptor,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
      },
    ],
  },
  {
    architecture: 'amd64',
    os: 'linux',
    config: {
      Env: ['A=b'],
      Entrypoint: ['/x'],
      Cmd: ['y'],
      WorkingDir: '/w',
      User: '1:2',
      Labels: { a: 'b' },
      Volumes: { '/v': {} },
    },
    rootfs: { type: 'layers', diff_ids: [digest] },
    history: [{ created_by: 'x', empty_layer: true }],
  },
  { schemaVersion: 1, fsLayers: [{ blobSum: digest }], history: [{ v1Compatibility: '{}' }] },
];

export const manifestTarget: FuzzTarget = {
  name: 'manifest',
  attempt(random) {
    let text = JSON.stringify(random.chance(0.9) ? changed(random.one(seeds), random) : random.one(seeds));
    if (random.chance(0.3)) text = mutate(Buffer.from(text), random, 1 + random.below(3)).toString('latin1');
    const bytes = Buffer.from(text, 'latin1');
    const codes = ['manifest-malformed', 'manifest-unsupported'] as const;
    const manifest = parse(codes, () =>
      parseManifest(bytes, 'the manifest', random.one(['', 'application/json', 'a/b; c=d'])),
    );
    const config = parse(codes, () =>
      parseImageConfig(bytes, 'the configuration', { os: 'linux', architecture: 'amd64' }),
    );
    for (const answer of [manifest, config]) if ('refusal' in answer) checkMessage(answer.refusal);
    if ('value' in manifest && manifest.value.kind === 'manifest') {
      for (const layer of manifest.value.layers) {
        assert.ok(Number.isSafeInteger(layer.sizeBytes) && layer.sizeBytes >= 0);
        assert.equal(parseDigest(layer.digest), layer.digest);
      }
    }
    return 'refusal' in manifest && 'refusal' in config ? 'refused' : 'accepted';
  },
};

const oddValues = [
  null,
  0,
  -1,
  1.5,
  1e300,
  2 ** 53,
  '',
  'x',
  'x'.repeat(5000),
  '\u0000\u001b[31m',
  [],
  {},
  [[]],
  true,
  digest,
  'sha256:',
  'sha512:00',
  '../../x',
] as const;

/** A copy in which one member, however deep, is something else, gone, or many. */
function changed(value: unknown, random: Random): unknown {
  if (Array.isArray(value) && value.length > 0 && random.chance(0.8)) {
    if (random.chance(0.1)) return Array.from({ length: 5000 }, () => value[0] as unknown);
    const at = random.below(value.length);
    return value.map((item, index) => (index === at ? changed(item, random) : (item as unknown)));
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && random.chance(0.85)) {
    const entries = Object.entries(value);
    const at = random.below(entries.length + 1);
    if (at === entries.length)
      return {
        ...value,
        [random.one(['layers', 'manifests', 'config', 'fsLayers', '__proto__', 'urls'])]: random.one(oddValues),
      };
    if (random.chance(0.2)) return Object.fromEntries(entries.filter((_, index) => index !== at));
    return Object.fromEntries(
      entries.map(([key, item], index) => [key, index === at ? changed(item, random) : (item as unknown)]),
    );
  }
  return random.one(oddValues);
}

const pieces = [
  'a',
  'library',
  'docker.io',
  'localhost:5000',
  '[::1]:80',
  'A',
  '_',
  '-',
  '.',
  '..',
  ':',
  '@',
  '/',
  '//',
  'latest',
  digest,
  'sha256:',
  ' ',
  '\n',
  'é',
  '%2f',
  'x'.repeat(200),
] as const;

export const referenceTarget: FuzzTarget = {
  name: 'reference',
  attempt(random) {
    const text = Array.from({ length: 1 + random.below(7) }, () => random.one(pieces)).join('');
    const answer = parse(['reference-malformed'], () => parseImageReference(text));
    if ('refusal' in answer) {
      checkMessage(answer.refusal);
      return 'refused';
    }
    const full = formatImageReference(answer.value);
    assert.deepEqual(parseImageReference(full), answer.value);
    // oxlint-disable-next-line no-control-regex
    assert.ok(!/[\u0000-\u0020\u007f-\uffff]|\/\/|\/\.\.?(?:\/|$)/.test(full), full);
    return 'accepted';
  },
};
