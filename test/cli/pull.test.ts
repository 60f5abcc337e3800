// SPDX-License-Identifier: Apache-2.0
// `slipway pull` and what follows it, against a real registry.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { run, runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { pushImage, type Registry, registryCommands, startRegistry } from '../support/registry.ts';
import { createFace, type Face, makeLayout } from './face.ts';

const skip = needs({ commands: [...registryCommands, 'unsquashfs', 'sqfstar', 'htpasswd'] });
const credentials = { username: 'ann', password: 'sesame' };

suite('slipway pull', { skip }, () => {
  let registry: Registry;
  let locked: Registry;
  let name = '';
  let digest = '';
  before(async () => {
    [registry, locked] = await Promise.all([
      startRegistry(),
      startRegistry({ auth: { kind: 'basic', ...credentials } }),
    ]);
    const layout = await makeLayout(
      [
        { 'bin/tool': 'one', 'etc/old': 'gone soon', 'data/random': randomBytes(3_000_000) },
        { 'bin/tool': 'two', 'etc/.wh.old': '' },
      ],
      { Env: ['A=1'], Entrypoint: ['/bin/tool'], Labels: { note: 'hello' } },
    );
    name = `${registry.address}/team/tool:1`;
    await pushImage({ layout, tag: '1' }, name);
    await pushImage({ layout, tag: '1' }, `${locked.address}/team/tool:1`, { credentials: 'ann:sesame' });
    digest = (
      await runOk(['skopeo', 'inspect', '--tls-verify=false', '--format={{.Digest}}', `docker://${name}`])
    ).trim();
  });

  test('brings an image into the store; its exact name is the only thing on stdout', async () => {
    const face = createFace();
    const { status, stdout, stderr } = await face.run('pull', name);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, `${name}@${digest}\n`);
    const lines = stderr.trimEnd().split('\n');
    assert.match(lines[0] ?? '', new RegExp(`^${name}: ${digest} for linux/amd64, 2 layers, 2\\.9 MiB$`));
    assert.equal(lines.filter((line) => /^layer sha256:[0-9a-f]{64} \S+ \S+ done$/.test(line)).length, 2);
    assert.match(lines.at(-2) ?? '', /^converting \d+ entries, 2\.9 MiB$/);
    assert.match(lines.at(-1) ?? '', new RegExp(`^${name}: 2\\.9 MiB stored in .*s \\(2\\.9 MiB downloaded\\)$`));

    const file = await fileOf(face, name);
    assert.equal(await runOk(['unsquashfs', '-cat', file, 'bin/tool']), 'two');
    assert.doesNotMatch(await runOk(['unsquashfs', '-l', file]), /etc\/old|\.wh\./);
  });

  test('downloads nothing twice, and says so', async () => {
    const face = createFace();
    await face.run('pull', '-q', name);
    const { status, stdout, stderr } = await face.run('pull', name);
    assert.deepEqual([status, stdout], [0, `${name}@${digest}\n`]);
    assert.match(stderr, new RegExp(`${name}: already here, ${digest}\n$`));
    assert.doesNotMatch(stderr, /^(layer|converting) /m);
    const byDigest = await face.run('pull', '-q', `${registry.address}/team/tool@${digest}`);
    assert.deepEqual([byDigest.status, byDigest.stderr], [0, '']);
  });

  test('gives every event as a line of JSON', async () => {
    const face = createFace();
    const { status, stdout, stderr } = await face.run('pull', '--json', name);
    assert.deepEqual([status, stderr], [0, '']);
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const types = events.map((event) => event['type']);
    assert.deepEqual([types[0], types[1], types.at(-1)], ['resolving', 'resolved', 'stored']);
    assert.equal(types.filter((type) => type === 'blob-done').length, 2);
    assert.ok(types.includes('converting'));
    assert.equal(events.at(-1)?.['digest'], digest);
    for (const event of events) assert.match(String(event['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test('lists, shows and removes what it pulled', async () => {
    const face = createFace();
    await face.run('pull', '-q', name);
    assert.equal((await face.run('images', '-q')).stdout, `${name}\n`);
    const shown = (await face.run('inspect', name)).stdout;
    for (const line of ['  entrypoint  ["/bin/tool"]', '    A=1', '    note=hello'])
      assert.ok(shown.split('\n').includes(line), shown);
    const file = await fileOf(face, name);
    assert.match((await face.run('inspect', file)).stdout, /^ {2}format {2}squashfs 4\.0, zstd, blocks of /m);
    assert.equal((await face.run('rm', name)).stdout, `${name}\n${digest}\n`);
    assert.equal((await face.run('images', '-q')).stdout, '');
    assert.deepEqual(readdirSync(join(face.store, 'images')), []);
  });

  test('fails with a hint, and in JSON with a last line that says why', async () => {
    const face = createFace();
    const missing = `${registry.address}/team/tool:nosuch`;
    const { status, stdout, stderr } = await face.run('pull', missing);
    assert.deepEqual([status, stdout], [125, '']);
    assert.match(
      stderr,
      /^slipway: pull .*team\/tool:nosuch: .* has no tag "nosuch" in repository team\/tool\n {2}hint: /m,
    );
    const asJson = await face.run('pull', '--json', missing);
    const last = JSON.parse(asJson.stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
    assert.equal(last['type'], 'failed');
    assert.equal(last['code'], 'manifest-unknown');
    assert.equal(asJson.status, 125);
  });

  test('warns of an image for another platform than was asked for', async () => {
    const { status, stderr } = await createFace().run('pull', '-q', '--platform=linux/s390x', name);
    assert.equal(status, 0);
    assert.match(stderr, /^warning: .*linux\/amd64.*\n$/);
  });

  test('uses the credentials that other tools have left', async () => {
    const face = createFace();
    const wanted = `${locked.address}/team/tool:1`;
    const denied = await face.run('pull', wanted);
    assert.equal(denied.status, 125);
    assert.match(denied.stderr, /answered 401 \((?:there are )?no credentials for 127\.0\.0\.1:\d+\)/);
    mkdirSync(join(face.home, '.docker'));
    const auth = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
    writeFileSync(join(face.home, '.docker/config.json'), JSON.stringify({ auths: { [locked.address]: { auth } } }));
    const { status, stderr } = await face.run('pull', wanted);
    assert.equal(status, 0, stderr);
    assert.ok(!stderr.includes(credentials.password) && !stderr.includes(auth));
  });

  test('draws its progress on a terminal and leaves two lines', { skip: needs({ commands: ['script'] }) }, async () => {
    const face = createFace();
    const command = face
      .argv('pull', name)
      .map((word) => `'${word}'`)
      .join(' ');
    const { status, stdout } = await run(['script', '-qec', command, '/dev/null'], { env: face.environment });
    assert.equal(status, 0, stdout);
    assert.match(stdout, /\x1b\[\d+A\r/);
    const left = stdout
      .slice(stdout.lastIndexOf('\x1b[J') + 3)
      .trimEnd()
      .split('\r\n');
    assert.equal(left.length, 2, JSON.stringify(left));
    assert.match(left[0] ?? '', /stored in/);
    assert.equal(left[1], `${name}@${digest}`);
  });
});

async function fileOf(face: Face, name: string): Promise<string> {
  const { stdout } = await face.run('inspect', '--json', name);
  return String((JSON.parse(stdout) as Record<string, unknown>)['file']);
}
