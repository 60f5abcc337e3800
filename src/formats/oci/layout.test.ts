// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { assert as assertProperty, jsonValue, property } from 'fast-check';
import { type Digest, emptyImageConfig, parseDigest, SlipwayError } from '../../model/index.ts';
import { composeConfig, composeLayoutIndex, composeManifest, configDescriptor, ociLayerType } from './compose.ts';
import { parseImageConfig } from './image-config.ts';
import { parseLayoutIndex, parseSavedImages } from './layout.ts';
import { parseManifest } from './manifest.ts';

function digestOf(text: string): Digest {
  const digest = parseDigest(`sha256:${createHash('sha256').update(text).digest('hex')}`);
  if (digest === undefined) throw new Error('unreachable: a hash is a digest');
  return digest;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

describe('parseLayoutIndex', () => {
  const member = { mediaType: manifestType, digest: digestOf('a'), size: 7 };

  it('finds names where skopeo, umoci and containerd put them', () => {
    const annotations = {
      'org.opencontainers.image.ref.name': '3.11',
      'io.containerd.image.name': 'docker.io/library/python:3.11',
    };
    const [entry, nameless, ...others] = parseLayoutIndex(
      bytes({
        schemaVersion: 2,
        manifests: [
          { ...member, annotations, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
          member,
          { ...member, mediaType: 'application/vnd.example' },
        ],
      }),
      'index.json',
    );
    assert.deepEqual(others, []);
    assert.deepEqual(entry?.names, ['3.11', 'docker.io/library/python:3.11']);
    assert.deepEqual(entry?.platform, { os: 'linux', architecture: 'arm64', variant: 'v8' });
    assert.deepEqual(nameless, { mediaType: manifestType, digest: digestOf('a'), sizeBytes: 7, names: [] });
  });

  for (const [what, document] of [
    ['another schema', { schemaVersion: 1, manifests: [] }],
    ['a digest that is none', { schemaVersion: 2, manifests: [{ ...member, digest: 'sha256:../../etc/passwd' }] }],
    ['a size that is none', { schemaVersion: 2, manifests: [{ ...member, size: -1 }] }],
    ['a list that is none', { schemaVersion: 2, manifests: {} }],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseLayoutIndex(bytes(document), 'index.json'), { code: 'manifest-malformed' });
    });
  }

  it('throws nothing but its own errors', () => {
    assertProperty(
      property(jsonValue(), (value) => {
        for (const parse of [parseLayoutIndex, parseSavedImages]) {
          try {
            parse(bytes(value), 'x');
          } catch (error) {
            assert.ok(error instanceof SlipwayError, String(error));
          }
        }
      }),
    );
  });
});

describe('parseSavedImages', () => {
  it('reads what docker save writes, without names too', () => {
    const layers = ['a/layer.tar', 'b/layer.tar'];
    const images = parseSavedImages(
      bytes([
        { Config: 'c.json', RepoTags: ['debian:12'], Layers: layers },
        { Config: 'd.json', RepoTags: null, Layers: [] },
      ]),
      'manifest.json',
    );
    assert.deepEqual(images, [
      { config: 'c.json', names: ['debian:12'], layers },
      { config: 'd.json', names: [], layers: [] },
    ]);
  });
});

describe('documents that are made', () => {
  it('are read again as they were meant', () => {
    const config = {
      ...emptyImageConfig({ os: 'linux', architecture: 'arm64', variant: 'v8' }),
      env: ['A=1'],
      entrypoint: ['/init'],
      cmd: ['-x'],
      workdir: '/srv',
      user: '1000',
      labels: { note: 'hello' },
      created: '2026-01-01T00:00:00Z',
    };
    const diffIds = [digestOf('layer')];
    const configBytes = composeConfig(config, diffIds, 'a test');
    assert.deepEqual(parseImageConfig(configBytes, 'it', { os: 'plan9', architecture: 'mips' }), { config, diffIds });
    const described = configDescriptor(digestOf(configBytes.toString()), configBytes.length);
    const layer = {
      mediaType: ociLayerType('application/vnd.docker.image.rootfs.diff.tar.gzip'),
      digest: digestOf('l'),
      sizeBytes: 9,
    };
    const manifest = composeManifest(described, [layer, layer]);
    const parsed = parseManifest(manifest, 'it');
    assert.equal(parsed.kind, 'manifest');
    assert.deepEqual(parsed.kind === 'manifest' ? [parsed.config, parsed.layers] : [], [
      described,
      [
        { ...layer, urls: [] },
        { ...layer, urls: [] },
      ],
    ]);
    const top = { mediaType: manifestType, digest: digestOf('m'), sizeBytes: manifest.length };
    assert.deepEqual(parseLayoutIndex(composeLayoutIndex(top, '1.0'), 'it'), [{ ...top, names: ['1.0'] }]);
  });
});
