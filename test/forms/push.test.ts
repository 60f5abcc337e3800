// SPDX-License-Identifier: Apache-2.0
// `slipway push` to a real registry, and what skopeo and umoci get back from it.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { type CommandResult, run, runOk } from '../support/command.ts';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { needs } from '../support/needs.ts';
import { slipwayPrefix } from '../support/prefix.ts';
import { type Registry, registryCommands, startRegistry } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { startTokenServer } from '../registry/token-server.ts';
import { noise } from '../squashfs/sample-tree.ts';
import { listTree } from './listing.ts';

const blobBytes = 14 * 1024 * 1024;

suite('slipway push', { skip: needs({ commands: [...registryCommands, 'umoci', 'htpasswd'] }) }, () => {
  let registry: Registry;
  let directory = '';
  let prefix = '';
  let expected: ReturnType<typeof listTree> = {};
  const slipway = async (
    words: readonly string[],
    variables: Readonly<Record<string, string>> = {},
  ): Promise<CommandResult> =>
    await run([join(prefix, 'bin/slipway'), ...words], {
      cwd: directory,
      env: {
        PATH: '/usr/bin:/bin',
        HOME: directory,
        SLIPWAY_STORE: join(directory, 'store'),
        TMPDIR: directory,
        ...variables,
      },
    });
  const push = async (...words: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await slipway(['push', '-q', ...words]);
    assert.equal(status, 0, stderr);
    return stdout.trim();
  };
  /** What the registry gives out, unpacked. */
  const pulled = async (name: string): Promise<ReturnType<typeof listTree>> => {
    const place = join(directory, `pulled-${name.replaceAll(/[^a-z0-9]+/g, '-')}`);
    await runOk([
      'skopeo',
      '--insecure-policy',
      'copy',
      '--quiet',
      '--src-tls-verify=false',
      `docker://${name}`,
      `oci:${place}:x`,
    ]);
    await runOk(['umoci', 'unpack', '--rootless', '--image', `${place}:x`, `${place}-bundle`]);
    return listTree(`${place}-bundle/rootfs`, { owners: false });
  };
  const digestOf = async (name: string): Promise<string> =>
    (await runOk(['skopeo', 'inspect', '--tls-verify=false', '--format={{.Digest}}', `docker://${name}`])).trim();

  before(async () => {
    prefix = await slipwayPrefix();
    registry = await startRegistry();
    directory = temporaryDirectory();
    const tree = join(directory, 'tree');
    mkdirSync(join(tree, 'bin'), { recursive: true });
    writeFileSync(join(tree, 'bin/tool'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(join(tree, 'noise'), noise(blobBytes, 3));
    await runOk(['find', tree, '-exec', 'touch', '-d', '@1700000000', '{}', '+']);
    expected = listTree(tree, { owners: false });
    for (const form of ['oci:layout:1', 'docker-archive:saved.tar:a/b:1', 'image.sqfs', 'image.tar.zst']) {
      const { status, stderr } = await slipway(['convert', '-q', './tree', form]);
      assert.equal(status, 0, stderr);
    }
  });

  for (const [what, source] of [
    ['a layout', 'oci:layout:1'],
    ['a docker archive', 'docker-archive:saved.tar'],
    ['a squashfs', 'image.sqfs'],
    ['a tarball', 'image.tar.zst'],
    ['a directory', './tree'],
  ] as const) {
    test(`${what} comes back as it was`, async () => {
      const name = `${registry.address}/forms/${what.replaceAll(' ', '-')}:1`;
      const pushed = await push(source, `docker://${name}`);
      assert.equal(pushed, `${name}@${await digestOf(name)}`);
      assert.deepEqual(await pulled(name), expected);
    });
  }

  test('a layout keeps its digest', async () => {
    const name = `${registry.address}/kept/layout:1`;
    const pushed = await push('oci:layout:1', `docker://${name}`);
    const index = await runOk(['skopeo', 'inspect', '--format={{.Digest}}', `oci:${join(directory, 'layout')}:1`]);
    assert.equal(pushed, `${name}@${index.trim()}`);
  });

  test('an image of the store, and one of a registry, go on', async () => {
    const first = `${registry.address}/forms/a-layout:1`;
    assert.equal((await slipway(['pull', '-q', first])).status, 0);
    const second = `${registry.address}/from/store:2`;
    await push(first, `docker://${second}`);
    // A pull adds what a container must have.
    const files = await pulled(second);
    assert.equal(files['noise'], expected['noise']);
    const third = `${registry.address}/from/registry:3`;
    await push(`docker://${first}`, `docker://${third}`);
    assert.equal(await digestOf(third), await digestOf(first));
  });

  test('what is there is not sent again, and what another repository has is mounted', async () => {
    const last = (result: CommandResult): { sentBytes: number } =>
      JSON.parse(result.stdout.trimEnd().split('\n').at(-1) ?? '') as { sentBytes: number };
    const again = await slipway(['push', '--json', 'oci:layout:1', `docker://${registry.address}/forms/a-layout:2`]);
    assert.equal(last(again).sentBytes, 0);
    const source = `docker://${registry.address}/forms/a-layout:2`;
    const mounted = await slipway(['push', '--json', source, `docker://${registry.address}/other/repository:1`]);
    assert.equal(last(mounted).sentBytes, 0, mounted.stderr);
    assert.match(registry.output(), /POST \/v2\/other\/repository\/blobs\/uploads\/\?mount=sha256/);
  });

  test('an upload that breaks off goes on where it stopped, several times', async () => {
    const proxy = await startCuttingProxy(registry.port, [3_000_000, 2_000_000, 4_000_000]);
    const name = `${proxy.address}/broken/layout:1`;
    const { status, stdout, stderr } = await slipway(['push', '--json', 'oci:layout:1', `docker://${name}`]);
    assert.equal(status, 0, stderr);
    assert.equal(proxy.cuts(), 3);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(events.filter(({ type }) => type === 'retrying').length, 3);
    assert.deepEqual(await pulled(`${registry.address}/broken/layout:1`), expected);
    // It went on: with three times from the start, the progress would have fallen back to nothing.
    const progress = events.filter(({ type }) => type === 'blob-progress').map(({ doneBytes }) => Number(doneBytes));
    const falls = progress.filter((bytes, index) => index > 0 && bytes < (progress[index - 1] ?? 0) - 4_000_000);
    assert.deepEqual(falls, []);
  });

  test('blobs go in pieces where that is asked for', async () => {
    const name = `${registry.address}/pieces/layout:1`;
    await push('--chunk-size', '4M', '--layer-compression', 'zstd', './tree', `docker://${name}`);
    const patches = registry.output().match(/PATCH \/v2\/pieces\/layout\/blobs/g) ?? [];
    assert.ok(patches.length >= blobBytes / (4 * 1024 * 1024), `${patches.length} requests`);
    const place = join(directory, 'by-pieces');
    assert.equal((await slipway(['convert', '-q', `docker://${name}`, place])).status, 0);
    assert.deepEqual(listTree(place, { owners: false }), expected);
  });

  test('credentials are those of a pull: a password, a token', async () => {
    const locked = await startRegistry({ auth: { kind: 'basic', username: 'ann', password: 'sesame' } });
    const tokens = await startTokenServer({ users: { ann: 'sesame' }, refreshTokens: {} });
    const byToken = await startRegistry({ auth: tokens.registryAuth });
    for (const { address } of [locked, byToken]) {
      const name = `${address}/private/layout:1`;
      const refused = await slipway(['push', '-q', 'oci:layout:1', `docker://${name}`]);
      assert.equal(refused.status, 125);
      assert.match(refused.stderr, /(?:upload|look for|get a token) .*answered 401/);
      assert.match(refused.stderr, /hint: .*login/);
      const auths = { [address]: { auth: Buffer.from('ann:sesame').toString('base64') } };
      const authFile = join(directory, 'auth.json');
      writeFileSync(authFile, JSON.stringify({ auths }), { mode: 0o600 });
      const { status, stderr } = await slipway(['push', '-q', 'oci:layout:1', `docker://${name}`], {
        REGISTRY_AUTH_FILE: authFile,
      });
      assert.equal(status, 0, stderr);
    }
  });

  test('a digest that the image has not is refused before anything is sent', async () => {
    const wrong = `docker://${registry.address}/wrong/digest@sha256:${'0'.repeat(64)}`;
    const { status, stderr } = await slipway(['push', '-q', 'oci:layout:1', wrong]);
    assert.equal(status, 125);
    assert.match(stderr, /the image has digest sha256:/);
    assert.doesNotMatch(registry.output(), /\/v2\/wrong\//);
  });

  test('no registry is no place to push to', async () => {
    const { status, stderr } = await slipway(['push', 'oci:layout:1', 'docker://127.0.0.1:9/x/y']);
    assert.equal(status, 125);
    assert.match(stderr, /127\.0\.0\.1:9.*refused/);
    const bare = await slipway(['push', 'oci:layout:1', '127.0.0.1:9/x/y']);
    assert.equal(bare.status, 2);
    assert.match(bare.stderr, /hint: did you mean docker:\/\/127\.0\.0\.1:9\/x\/y\n/);
  });

  test('leaves nothing behind', () => {
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.startsWith('.slipway')),
      [],
    );
  });
});
