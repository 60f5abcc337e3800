// SPDX-License-Identifier: Apache-2.0
// `slipway gc` and `slipway fsck` on a store with real images: what goes, what stays, what is found.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { before, suite, test } from 'node:test';
import { imageLockPath } from '../../src/image/store/layout.ts';
import { digestHex, type Digest } from '../../src/model/index.ts';
import { withLock } from '../../src/sys/lock-file.ts';
import { createFace, type Face, makeLayout } from '../cli/face.ts';
import { needs } from '../support/needs.ts';
import { pushImage, type Registry, registryCommands, startRegistry } from '../support/registry.ts';

const { signal } = new AbortController();

suite('the upkeep of a store', { skip: needs({ commands: registryCommands }) }, () => {
  let registry: Registry;
  const layouts: string[] = [];
  before(async () => {
    registry = await startRegistry();
    const base = { 'base/data': randomBytes(1_500_000), 'base/text': 'the base\n'.repeat(1000) };
    for (const name of ['one', 'two'])
      layouts.push(await makeLayout([base, { [`${name}/data`]: randomBytes(700_000) }]));
  });
  const pull = async (face: Face, name: string, layout: number): Promise<Digest> => {
    const full = `${registry.address}/${name}`;
    await pushImage({ layout: layouts[layout] ?? '', tag: '1' }, full);
    const { status, stdout, stderr } = await face.run('pull', '-q', full);
    assert.equal(status, 0, stderr);
    return stdout.trim().split('@')[1] as Digest;
  };
  const imageFiles = (face: Face): readonly string[] => readdirSync(join(face.store, 'images'));
  const squashfsOf = (face: Face, digest: Digest): string =>
    join(face.store, 'images', `${digestHex(digest)}.squashfs`);
  const recordOf = (face: Face, digest: Digest): string => join(face.store, 'images', `${digestHex(digest)}.json`);
  const packsOf = (face: Face): readonly string[] => readdirSync(join(face.store, 'packs'));
  const snapshot = (face: Face): readonly string[] =>
    readdirSync(face.store, { recursive: true, encoding: 'utf8' }).sort();

  test('gc and rm of what nobody has stored yet change nothing', async () => {
    const face = createFace();
    rmSync(face.store, { recursive: true, force: true });
    for (const words of [['gc'], ['rm', '--untagged']]) {
      const done = await face.run(...words);
      assert.deepEqual([done.status, done.stderr], [0, '0 B freed\n']);
    }
    assert.equal(existsSync(face.store), false);
  });

  test('gc removes what has no name, and its layers; a dry run says so and changes nothing', async () => {
    const face = createFace();
    const old = await pull(face, 'moved:1', 0);
    const current = await pull(face, 'moved:1', 1);
    assert.equal(packsOf(face).length, 3);
    assert.match((await face.run('gc', '-n')).stderr, /^0 B could be freed/, 'what is young stays');

    const beforehand = snapshot(face);
    const dry = await face.run('gc', '--dry-run', '--older-than', '0s');
    assert.equal(dry.status, 0, dry.stderr);
    assert.match(dry.stdout, new RegExp(`^image +\\S+ \\S+  ${old}\n`));
    assert.match(dry.stdout, /^pack +/m);
    assert.deepEqual(snapshot(face), beforehand);

    const done = await face.run('gc', '--older-than', '0s');
    assert.equal(done.stdout, dry.stdout, 'what was said beforehand is what is done');
    assert.deepEqual(
      imageFiles(face).filter((name) => name.includes(digestHex(old))),
      [],
    );
    assert.ok(existsSync(squashfsOf(face, current)));
    assert.equal(packsOf(face).length, 2, 'the layers of the image that is left');
    assert.match((await face.run('gc', '--older-than', '0s')).stderr, /^0 B freed/);

    const none = JSON.parse((await face.run('gc', '--json', '--keep-layers', '0')).stdout) as readonly {
      kind: string;
    }[];
    assert.deepEqual(
      none.map(({ kind }) => kind),
      ['pack', 'pack'],
    );
    assert.deepEqual(packsOf(face), []);
    assert.equal((await face.run('images', '-q')).stdout, `${registry.address}/moved:1\n`);
  });

  test('gc leaves what somebody holds, and everything where a name can not be read', async () => {
    const face = createFace();
    const old = await pull(face, 'held:1', 0);
    await pull(face, 'held:1', 1);
    await withLock(imageLockPath(face.store, old), { what: 'the test', signal }, async () => {
      for (const words of [['--dry-run'], []]) {
        const { stdout } = await face.run('gc', '--older-than', '0s', ...words);
        assert.doesNotMatch(stdout, /^image/m);
      }
    });
    const [tag = ''] = readdirSync(join(face.store, 'tags'));
    const path = join(face.store, 'tags', tag);
    const text = readFileSync(path);
    writeFileSync(path, '{');
    assert.doesNotMatch((await face.run('gc', '--older-than', '0s')).stdout, /^image/m);
    writeFileSync(path, text);
    assert.match((await face.run('gc', '--older-than', '0s')).stdout, /^image/m);
  });

  test('gc clears away what killed pulls have left', async () => {
    const face = createFace();
    await pull(face, 'left:1', 0);
    const left = join(face.store, 'blobs/sha256', `${'a'.repeat(64)}.part`);
    writeFileSync(left, Buffer.alloc(5000));
    const old = new Date(Date.now() - 3 * 24 * 3_600_000);
    utimesSync(left, old, old);
    const orphan = join(face.store, 'images', `${'b'.repeat(64)}.squashfs`);
    writeFileSync(orphan, 'x');
    assert.match((await face.run('gc', '-n')).stdout, /^squashfs .*b{64}[^]*^layer .*a{64}\.part$/m);
    assert.ok(existsSync(left) && existsSync(orphan));
    await face.run('gc');
    assert.ok(!existsSync(left) && !existsSync(orphan));
  });

  test('a sound store has no faults', async () => {
    const face = createFace();
    assert.deepEqual(await face.run('fsck').then(({ status, stdout }) => [status, stdout]), [0, '']);
    await pull(face, 'sound:1', 0);
    const { status, stdout, stderr } = await face.run('fsck');
    assert.deepEqual([status, stdout], [0, ''], stderr);
    assert.match(stderr, /: 0 faults\n$/);
  });

  /** Damages a store with one image, and gives what `fsck` says and leaves. */
  const faults: readonly (readonly [string, (face: Face, digest: Digest) => void | Promise<void>, RegExp, boolean])[] =
    [
      [
        'a record that is no JSON',
        (face, digest) => writeFileSync(recordOf(face, digest), '{'),
        /^record-damaged: .*\.json: it is no JSON/,
        true,
      ],
      [
        'a missing image',
        (face, digest) => rmSync(squashfsOf(face, digest), { force: true }),
        /^image-missing: .*\.json: /,
        true,
      ],
      [
        'an image that is cut',
        (face, digest) => truncate(squashfsOf(face, digest), -5000),
        /^image-cut: .*its record says/,
        true,
      ],
      [
        'an image whose bits have turned since the first check',
        async (face, digest) => {
          assert.equal((await face.run('fsck')).status, 0);
          overwrite(squashfsOf(face, digest), 0.3);
        },
        /^image-damaged: .*not those of the first check/,
        false,
      ],
      [
        'an image with a damaged table',
        (face, digest) => overwriteInodes(squashfsOf(face, digest)),
        /^image-damaged: /,
        false,
      ],
      ['an image without a record', (face, digest) => rmSync(recordOf(face, digest)), /^image-orphan: /, true],
      [
        'a damaged pack',
        (face) => overwrite(join(face.store, 'packs', packsOf(face)[0] ?? ''), 0.5),
        /^pack-damaged: /,
        false,
      ],
      [
        'a name that is no JSON',
        (face) => writeFileSync(join(face.store, 'tags', readdirSync(join(face.store, 'tags'))[0] ?? ''), 'x'),
        /^tag-damaged: .*no JSON/,
        true,
      ],
      [
        'a layer that is another',
        (face) => writeFileSync(join(face.store, 'blobs/sha256', 'c'.repeat(64)), 'other bytes'),
        /^layer-damaged: .*its bytes have the digest/,
        false,
      ],
    ];
  // What every case begins with is pulled once.
  let template: Face;
  let templateDigest: Digest;
  before(async () => {
    template = createFace();
    templateDigest = await pull(template, 'damaged:1', 0);
  });
  for (const [name, damage, expected, isSeenQuickly] of faults) {
    test(`fsck finds ${name}, and removes it where that is asked for`, async () => {
      const face = createFace();
      const digest = templateDigest;
      cpSync(template.store, face.store, { recursive: true, preserveTimestamps: true });
      await damage(face, digest);
      const quick = await face.run('fsck', '--quick');
      assert.equal(quick.status, isSeenQuickly ? 4 : 0, quick.stdout);
      const found = await face.run('fsck');
      assert.equal(found.status, 4, found.stderr);
      assert.match(found.stdout, expected);
      const repaired = await face.run('fsck', '--repair');
      assert.equal(repaired.status, 0, repaired.stdout);
      assert.match(repaired.stdout, / \(removed\)$/m);
    });
  }

  test('what fsck has removed can be pulled again', async () => {
    const face = createFace();
    const digest = await pull(face, 'again:1', 0);
    truncate(squashfsOf(face, digest), -5000);
    assert.equal((await face.run('fsck', '--quick', '--repair')).status, 0);
    assert.equal(await pull(face, 'again:1', 0), digest);
    assert.deepEqual(await face.run('fsck').then(({ status, stdout }) => [status, stdout]), [0, '']);
  });

  test('fsck passes over what is being worked on, and leaves what it does not know', async () => {
    const face = createFace();
    const digest = await pull(face, 'busy:1', 0);
    truncateSync(squashfsOf(face, digest), 100);
    await withLock(imageLockPath(face.store, digest), { what: 'the test', signal }, async () => {
      assert.equal((await face.run('fsck')).status, 0);
    });
    const note = join(face.store, 'images', 'README');
    writeFileSync(note, 'mine');
    const { status, stdout } = await face.run('fsck', '--repair');
    assert.equal(status, 4);
    assert.match(stdout, /^image-cut: .*\(removed\)\ntag-dangling: .*\(removed\)\nunknown-file: .*README: .*store\n$/);
    assert.ok(existsSync(note));
    assert.equal(basename(note), 'README');
  });
});

function truncate(path: string, byBytes: number): void {
  truncateSync(path, statSync(path).size + byBytes);
}

/** Puts other bytes at a place of a file: a fraction of its length. */
function overwrite(path: string, place: number): void {
  replace(path, (bytes) => randomBytes(64).copy(bytes, Math.floor(bytes.length * place)));
}

/** Where the superblock says that the inodes are (squashfs 4.0, byte 64). */
function overwriteInodes(path: string): void {
  replace(path, (bytes) => randomBytes(16).copy(bytes, Number(bytes.readBigUInt64LE(64)) + 10));
}

/** Images are read-only: another file takes the place. */
function replace(path: string, edit: (bytes: Buffer) => void): void {
  const bytes = readFileSync(path);
  edit(bytes);
  rmSync(path);
  writeFileSync(path, bytes);
}
