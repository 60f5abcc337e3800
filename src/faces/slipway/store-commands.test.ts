// SPDX-License-Identifier: Apache-2.0
// images, inspect and rm on a real store.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createCommandRig } from '../../../test/support/command-rig.ts';

test('lists images for people and for programs', async () => {
  const { run, addImage } = createCommandRig();
  assert.deepEqual(await run(['images']), { status: 0, stdout: '', stderr: '' });
  assert.match((await run(['images'], { isTerminal: true })).stderr, /^no images in \//);
  const a = await addImage('a', ['debian:12', 'ghcr.io/x/y:1'], 12_900_000);
  const b = await addImage('b', []);

  assert.equal(
    (await run(['images'], { isTerminal: true })).stdout,
    `NAME           DIGEST        PLATFORM         SIZE  PULLED
debian:12      aaaaaaaaaaaa  linux/amd64  12.3 MiB  2 hours ago
ghcr.io/x/y:1  aaaaaaaaaaaa  linux/amd64  12.3 MiB  2 hours ago
-              bbbbbbbbbbbb  linux/amd64   4.0 KiB  2 hours ago
`,
  );
  assert.match(
    (await run(['images', '--digests'], { isTerminal: true, columns: 200 })).stdout,
    new RegExp(`${a}  linux`),
  );
  assert.equal(
    (await run(['images'])).stdout,
    `docker.io/library/debian:12\t${a}\tlinux/amd64\t12900000\t2026-11-21T14:00:00.000Z
ghcr.io/x/y:1\t${a}\tlinux/amd64\t12900000\t2026-11-21T14:00:00.000Z
\t${b}\tlinux/amd64\t4096\t2026-11-21T14:00:00.000Z
`,
  );
  assert.equal((await run(['images', '-q'])).stdout, `debian:12\nghcr.io/x/y:1\n${b}\n`);
  const json = JSON.parse((await run(['images', '--json'])).stdout) as Record<string, unknown>[];
  assert.deepEqual(json[0], {
    name: 'docker.io/library/debian:12',
    digest: a,
    platform: 'linux/amd64',
    sizeBytes: 12_900_000,
    entries: 7,
    created: '2026-11-01T10:00:00Z',
    pulled: '2026-11-21T14:00:00.000Z',
    converted: '2026-11-21T14:00:00.000Z',
  });
  assert.equal(json[2]?.['name'], null);
});

test('lists the rest when a record is damaged, with a warning', async () => {
  const { run, addImage, store } = createCommandRig();
  await addImage('a', ['debian:12']);
  writeFileSync(join(store, 'images', `${'b'.repeat(64)}.json`), '{');
  const { status, stdout, stderr } = await run(['images', '-q']);
  assert.deepEqual([status, stdout], [0, 'debian:12\n']);
  assert.match(stderr, /^slipway: warning: read .*b\.json: /);
});

test('shows an image without letting its text at the terminal', async () => {
  const { run, addImage, store } = createCommandRig();
  const digest = await addImage('a', ['debian:12']);
  const { status, stdout } = await run(['inspect', 'debian:12'], { isTerminal: true });
  assert.equal(status, 0);
  const lines = stdout.split('\n');
  assert.equal(lines[0], 'docker.io/library/debian:12');
  for (const line of [
    `  digest      ${digest}`,
    '  platform    linux/amd64',
    `  file        ${join(store, 'images', `${'a'.repeat(64)}.squashfs`)}`,
    '  size        4.0 KiB, 7 entries',
    '  directory   /srv',
    '  entrypoint  ["/init","a b"]',
    '  environment',
    '    PATH=/bin',
    '    NAME=a\\x1b[2Jb',
    '    maintainer=nobody',
    '  layers (3.0 MiB compressed)',
    `     3.0 MiB  sha256:${'1'.repeat(64)}`,
  ]) {
    assert.ok(lines.includes(line), `${line}\nis not in\n${stdout}`);
  }
  assert.ok(!stdout.includes('command'), 'empty fields are left out');

  const json = JSON.parse((await run(['inspect', '--json', 'aaaaaaaaaaaa'])).stdout) as Record<string, unknown>;
  assert.equal(json['digest'], digest);
  assert.equal(json['name'], null);
  assert.equal(json['sizeBytes'], 4096);
});

test('takes what looks like a path for a file', async () => {
  const { run, store } = createCommandRig();
  const file = join(store, 'x.sqfs');
  assert.match((await run(['inspect', file])).stderr, /x\.sqfs: no such file or directory/);
  writeFileSync(file, Buffer.alloc(4096));
  const { status, stderr } = await run(['inspect', file]);
  assert.equal(status, 125);
  assert.match(stderr, /squashfs/);
});

test('removes names, and with the last one the image', async () => {
  const { run, addImage, store } = createCommandRig();
  const digest = await addImage('a', ['debian:12', 'debian:bookworm']);
  assert.deepEqual(await run(['rm', 'debian:12']), {
    status: 0,
    stdout: 'docker.io/library/debian:12\n',
    stderr: '0 B freed\n',
  });
  assert.deepEqual(await run(['rm', 'debian:bookworm']), {
    status: 0,
    stdout: `docker.io/library/debian:bookworm\n${digest}\n`,
    stderr: '4.0 KiB freed\n',
  });
  assert.deepEqual(readdirSync(join(store, 'images')), []);
});

test('removes what it can and tells what it could not', async () => {
  const { run, addImage } = createCommandRig();
  await addImage('a', ['debian:12']);
  const { status, stdout, stderr } = await run(['rm', 'nosuch', 'debian:12', '-q']);
  assert.deepEqual([status, stdout], [125, '']);
  assert.match(stderr, /^slipway: find image nosuch/);
  assert.equal((await run(['images', '-q'])).stdout, '');
});

test('removes all images without a name when asked', async () => {
  const { run, addImage, store } = createCommandRig();
  await addImage('a', ['debian:12']);
  const digest = await addImage('b', []);
  assert.deepEqual(await run(['rm', '--untagged']), { status: 0, stdout: `${digest}\n`, stderr: '4.0 KiB freed\n' });
  assert.ok(existsSync(join(store, 'images', `${'a'.repeat(64)}.squashfs`)));
});
