// SPDX-License-Identifier: Apache-2.0
// Every kind of layer and manifest that a registry has taken over the years, put there by the tools that make them, and
// what `slipway pull` makes of it.
import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { createFace, type Face, makeLayout } from '../cli/face.ts';
import { runOk } from '../support/command.ts';
import { startFakeServer } from '../support/fake-registry.ts';
import { needs } from '../support/needs.ts';
import { type Blob, digestOf, pushArtifact } from '../support/push-artifact.ts';
import { pushImage, type Registry, registryCommands, startRegistry } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const text = 'what the layer holds\n';

suite('an image in a registry', { skip: needs({ commands: [...registryCommands, 'unsquashfs'] }) }, () => {
  let registry: Registry;
  let layout = '';
  /** The layout's one layer, uncompressed. */
  let archive: Buffer;
  before(async () => {
    registry = await startRegistry();
    layout = await makeLayout([{ 'etc/text': text }]);
    const [layer = ''] = manifestIn(join(layout, 'blobs/sha256')).layers.map(({ digest }) => digest.slice(7));
    archive = gunzipSync(readFileSync(join(layout, 'blobs/sha256', layer)));
  });

  const configOf = (layers: readonly Buffer[]): Blob => ({
    mediaType: 'application/vnd.oci.image.config.v1+json',
    bytes: Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        rootfs: { type: 'layers', diff_ids: layers.map(digestOf) },
      }),
    ),
  });

  const inspect = async (name: string): Promise<string> =>
    await runOk(['skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${name}`]);

  test('whose layers are zstd:chunked arrives', async () => {
    const name = `${registry.address}/kinds/chunked:1`;
    await pushImage({ layout, tag: '1' }, name, { skopeoOptions: ['--dest-compress-format=zstd:chunked'] });
    const { layers } = JSON.parse(await inspect(name)) as Manifest;
    assert.ok(layers[0]?.annotations?.['io.containers.zstd-chunked.manifest-position'] !== undefined);
    await expectPulled(createFace(), name);
  });

  test('whose layer lacks the zeros at its end, as older zstd:chunked ones do, arrives; one that differs otherwise does not', async () => {
    const end = archive.findLastIndex((byte) => byte !== 0) + 1;
    const cut = Math.ceil(end / 512) * 512;
    assert.ok(archive.length - cut >= 1024);
    const plain = 'application/vnd.oci.image.layer.v1.tar';
    const push = async (tag: string, bytes: Buffer): Promise<string> => {
      const layers = [{ mediaType: plain, bytes }];
      await pushArtifact(`${registry.address}/kinds/short`, { tag, layers, config: configOf([archive]) });
      return `${registry.address}/kinds/short:${tag}`;
    };
    await expectPulled(createFace(), await push('1', archive.subarray(0, cut)));
    const { stderr } = await createFace().run(
      'pull',
      '-q',
      await push('2', Buffer.concat([archive, Buffer.alloc(512)])),
    );
    assert.match(stderr, /uncompressed content is sha256:\S+, but the image configuration says sha256:/);
  });

  test('whose layers are not compressed arrives', async () => {
    const repository = `${registry.address}/kinds/plain`;
    const layers = [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', bytes: archive }];
    await pushArtifact(repository, { tag: '1', layers, config: configOf([archive]) });
    await expectPulled(createFace(), `${repository}:1`);
  });

  test('with a layer that is elsewhere arrives where that is asked for, and is refused otherwise', async () => {
    const elsewhere = await startFakeServer((request, response) => {
      if (request.url !== '/layer') return false;
      response.writeHead(200, { 'content-length': archive.length }).end(archive);
      return true;
    });
    const repository = `${registry.address}/kinds/foreign`;
    const layer = {
      mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar',
      digest: digestOf(archive),
      size: archive.length,
      urls: [`http://${elsewhere.address}/layer`],
    };
    await pushArtifact(repository, { tag: '1', layers: [], config: configOf([archive]), fields: { layers: [layer] } });
    const { status, stderr } = await createFace().run('pull', '-q', `${repository}:1`);
    assert.notEqual(status, 0);
    assert.match(stderr, /--foreign-layers/);
    assert.equal(elsewhere.requests.length, 0);
    await expectPulled(createFace(), `${repository}:1`, '--foreign-layers');
  });

  test('of Docker schema 1 is refused, with the reason', { skip: needs({ commands: ['umoci'] }) }, async () => {
    const name = `${registry.address}/kinds/schema1:1`;
    // In that format a layer is an entry of the image's history, which umoci writes.
    const directory = temporaryDirectory();
    const old = join(directory, 'layout');
    writeFileSync(join(directory, 'layer.tar'), archive);
    await runOk(['umoci', 'init', '--layout', old]);
    await runOk(['umoci', 'new', '--image', `${old}:1`]);
    await runOk(['umoci', 'raw', 'add-layer', '--image', `${old}:1`, join(directory, 'layer.tar')]);
    await pushImage({ layout: old, tag: '1' }, name, { skopeoOptions: ['--format=v2s1'] });
    assert.equal((JSON.parse(await inspect(name)) as { schemaVersion: number }).schemaVersion, 1);
    const { status, stderr } = await createFace().run('pull', '-q', name);
    assert.notEqual(status, 0);
    assert.match(stderr, /it is a Docker schema 1 manifest, [^\n]*push the image again/);
  });
});

type Manifest = {
  readonly layers: readonly { readonly digest: string; readonly annotations?: Readonly<Record<string, string>> }[];
};

async function expectPulled(face: Face, name: string, ...options: string[]): Promise<void> {
  const { status, stderr } = await face.run('pull', ...options, name);
  assert.equal(status, 0, stderr);
  const [image = ''] = globSync(join(face.store, 'images/*.squashfs'));
  assert.equal(await runOk(['unsquashfs', '-cat', image, 'etc/text']), text);
}

/** The one manifest among the blobs. */
function manifestIn(blobs: string): Manifest {
  for (const path of globSync(join(blobs, '*'))) {
    const bytes = readFileSync(path);
    if (!bytes.subarray(0, 1).equals(Buffer.from('{'))) continue;
    const document = JSON.parse(bytes.toString()) as Partial<Manifest>;
    if (document.layers !== undefined) return { layers: document.layers };
  }
  throw new Error(`${blobs} has no manifest`);
}
