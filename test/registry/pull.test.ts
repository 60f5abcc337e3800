// SPDX-License-Identifier: Apache-2.0
// The registry client against Debian's docker-registry: what skopeo pushes arrives, byte by byte, and skopeo agrees
// about what it is.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { downloadLayers } from '../../src/image/download/index.ts';
import { type Credentials, type RegistrySource } from '../../src/image/registry/index.ts';
import { type Digest, digestHex } from '../../src/model/index.ts';
import { runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { pushImage, type Registry, registryCommands, startRegistry } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { sourceFor } from './source-for.ts';
import { startTokenServer } from './token-server.ts';

const signal = new AbortController().signal;
const base = randomBytes(3_000_000);
const [amd, arm] = [Buffer.from('for amd64'), Buffer.from('for arm64')];

async function pullLayers(source: RegistrySource): Promise<readonly Buffer[]> {
  const { layers } = await source.resolve(signal);
  const directory = temporaryDirectory();
  const pathOf = (digest: Digest): string => join(directory, digestHex(digest));
  const files = await downloadLayers({ source, layers, pathOf, emit: () => undefined, signal });
  return files.map(({ path }) => readFileSync(path));
}

/** A layout with `one`, an image of two layers, and `many`, an index for two architectures. */
function makeLayout(): string {
  const layout = join(temporaryDirectory(), 'layout');
  writeLayout(layout, 'one', [{ layers: [base, amd], config: { Env: ['A=b'], Cmd: ['sh'], WorkingDir: '/work' } }]);
  return layout;
}

function makeIndexLayout(): string {
  const layout = join(temporaryDirectory(), 'layout');
  writeLayout(layout, 'many', [
    { architecture: 'amd64', layers: [base, amd] },
    { architecture: 'arm64', variant: 'v8', layers: [base, arm] },
  ]);
  return layout;
}

const inspectRaw = async (name: string): Promise<string> =>
  await runOk(['skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${name}`]);

suite('an open registry', { skip: needs({ commands: registryCommands }) }, () => {
  let registry: Registry;
  before(async () => {
    registry = await startRegistry();
  });

  test('an OCI image arrives', async () => {
    const name = `${registry.address}/team/oci:1`;
    await pushImage({ layout: makeLayout(), tag: 'one' }, name);
    const source = sourceFor(name);
    const image = await source.resolve(signal);
    assert.equal(image.manifestBytes.toString(), await inspectRaw(name));
    assert.deepEqual(image.config, {
      platform: { os: 'linux', architecture: 'amd64' },
      env: ['A=b'],
      entrypoint: [],
      cmd: ['sh'],
      workdir: '/work',
      labels: {},
    });
    assert.deepEqual(
      (await pullLayers(source)).map((blob) => gunzipSync(blob)),
      [base, amd],
    );
    const byDigest = await sourceFor(`${registry.address}/team/oci@${image.digest}`).resolve(signal);
    assert.deepEqual(byDigest, image);
  });

  test("an image in Docker's format arrives", async () => {
    const name = `${registry.address}/team/docker:1`;
    await pushImage({ layout: makeLayout(), tag: 'one' }, name, { skopeoOptions: ['--format=v2s2'] });
    const source = sourceFor(name);
    const { layers } = await source.resolve(signal);
    assert.equal(layers[0]?.mediaType, 'application/vnd.docker.image.rootfs.diff.tar.gzip');
    assert.deepEqual(
      (await pullLayers(source)).map((blob) => gunzipSync(blob)),
      [base, amd],
    );
  });

  test('zstd layers arrive', async () => {
    const name = `${registry.address}/team/zstd:1`;
    const layout = join(temporaryDirectory(), 'layout');
    writeLayout(layout, 'one', [{ layers: [amd], compression: 'zstd' }]);
    await pushImage({ layout, tag: 'one' }, name);
    assert.deepEqual(
      (await pullLayers(sourceFor(name))).map((blob) => zstdDecompressSync(blob)),
      [amd],
    );
  });

  test('an index leads each architecture to its image', async () => {
    const name = `${registry.address}/team/many:1`;
    await pushImage({ layout: makeIndexLayout(), tag: 'many' }, name, { skopeoOptions: ['--all'] });
    for (const [architecture, top] of [
      ['amd64', amd],
      ['arm64', arm],
    ] as const) {
      const source = sourceFor(name, { platform: { os: 'linux', architecture } });
      const image = await source.resolve(signal);
      assert.equal(image.config.platform.architecture, architecture);
      assert.notEqual(image.indexDigest, undefined);
      assert.deepEqual(
        (await pullLayers(source)).map((blob) => gunzipSync(blob)),
        [base, top],
      );
    }
    const platform = { os: 'linux', architecture: 'ppc64le' };
    await assert.rejects(sourceFor(name, { platform }).resolve(signal), {
      code: 'platform-missing',
      message: /there is linux\/amd64, linux\/arm64\/v8/,
    });
  });

  test('what is not there is told apart', async () => {
    const { address } = registry;
    await pushImage({ layout: makeLayout(), tag: 'one' }, `${address}/team/tags:1.0`);
    await assert.rejects(sourceFor(`${address}/team/tags:1.1`).resolve(signal), {
      code: 'manifest-unknown',
      hint: 'there are: 1.0',
    });
    const digest = `sha256:${'0'.repeat(64)}`;
    await assert.rejects(sourceFor(`${address}/team/tags@${digest}`).resolve(signal), { code: 'manifest-unknown' });
    await assert.rejects(sourceFor(`${address}/team/absent:1`).resolve(signal), { code: 'repository-unknown' });
    assert.deepEqual(await sourceFor(`${address}/team/tags`).listTags(signal), ['1.0']);
    assert.equal(await sourceFor(`${address}/team/absent`).listTags(signal), 'no-repository');
  });

  test('a blob that was damaged in storage is refused, one that was lost is missed', async () => {
    const { address, storageDir } = await startRegistry();
    await pushImage({ layout: makeLayout(), tag: 'one' }, `${address}/app:1`);
    const source = sourceFor(`${address}/app:1`);
    const [first, second] = (await source.resolve(signal)).layers;
    assert.ok(first !== undefined && second !== undefined);
    const dataOf = (digest: Digest): string => {
      const hex = digestHex(digest);
      return join(storageDir, 'docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
    };
    const bytes = readFileSync(dataOf(first.digest));
    bytes.writeUInt8(bytes.readUInt8(1_000_000) ^ 1, 1_000_000);
    writeFileSync(dataOf(first.digest), bytes);
    await assert.rejects(pullLayers(source), { code: 'blob-corrupt' });
    rmSync(dataOf(first.digest));
    await assert.rejects(pullLayers(source), { code: 'blob-unknown' });
  });
});

test('basic authentication', { skip: needs({ commands: [...registryCommands, 'htpasswd'] }) }, async () => {
  const registry = await startRegistry({ auth: { kind: 'basic', username: 'me', password: 'se:cret' } });
  const name = `${registry.address}/private:1`;
  await pushImage({ layout: makeLayout(), tag: 'one' }, name, { credentials: 'me:se:cret' });
  const as = (credentials: Credentials | undefined): RegistrySource =>
    sourceFor(name, { credentials: () => Promise.resolve(credentials) });
  const blobs = await pullLayers(as({ kind: 'password', username: 'me', password: 'se:cret' }));
  assert.deepEqual(
    blobs.map((blob) => gunzipSync(blob)),
    [base, amd],
  );
  await assert.rejects(as({ kind: 'password', username: 'me', password: 'wrong' }).resolve(signal), {
    code: 'registry-denied',
    message: /answered 401 \(as user me\)/,
  });
  await assert.rejects(as(undefined).resolve(signal), {
    code: 'registry-denied',
    message: /there are no credentials for 127/,
  });
});

test('tokens', { skip: needs({ commands: [...registryCommands, 'openssl'] }) }, async () => {
  const tokens = await startTokenServer({ users: { me: 'secret' }, refreshTokens: { refresh: 'me' } });
  const registry = await startRegistry({ auth: tokens.registryAuth });
  const name = `${registry.address}/team/private:1`;
  await pushImage({ layout: makeLayout(), tag: 'one' }, name, { credentials: 'me:secret' });
  const as = (credentials: Credentials | undefined): RegistrySource =>
    sourceFor(name, { credentials: () => Promise.resolve(credentials) });
  for (const credentials of [
    { kind: 'password', username: 'me', password: 'secret' },
    { kind: 'identity-token', token: 'refresh' },
  ] as const) {
    assert.deepEqual(
      (await pullLayers(as(credentials))).map((blob) => gunzipSync(blob)),
      [base, amd],
    );
  }
  await assert.rejects(as({ kind: 'password', username: 'me', password: 'wrong' }).resolve(signal), {
    code: 'registry-denied',
    message: /as user me/,
  });
  // A stranger gets a token that allows nothing.
  await assert.rejects(as(undefined).resolve(signal), { code: 'registry-denied', message: /no credentials/ });
});
