// SPDX-License-Identifier: Apache-2.0
// Images made to do harm, in every form: refused with the reason, or defanged; nothing is written outside, nothing is left.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Member, makeMember, writeArchive } from '../../src/formats/tar/archive.test-helper.ts';
import { buildSif, usualObjects } from '../../src/formats/sif/build.test-helper.ts';
import { dir, file, hardlink, symlink } from '../convert/conversion.ts';
import { run, type CommandResult } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { slipwayPrefix } from '../support/prefix.ts';
import { temporaryDirectory } from '../support/temporary.ts';

suite('hostile images', { skip: needs({ commands: ['mksquashfs', 'xz', 'bzip2', 'unsquashfs'] }) }, () => {
  let directory = '';
  let outside = '';
  let prefix = '';
  before(async () => {
    prefix = await slipwayPrefix();
    directory = temporaryDirectory();
    outside = join(directory, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'target'), 'untouched');
  });
  const slipway = async (...words: readonly string[]): Promise<CommandResult> =>
    await run([join(prefix, 'bin/slipway'), ...words], {
      cwd: directory,
      env: { PATH: '/usr/bin:/bin', HOME: directory, SLIPWAY_STORE: join(directory, 'store') },
    });
  const put = (name: string, bytes: Buffer): string => {
    writeFileSync(join(directory, name), bytes);
    return name;
  };
  /** Converts to each form; every one has to say why not. */
  const refused = async (input: string, reason: RegExp): Promise<void> => {
    for (const output of ['refused', 'refused.sqfs', 'refused.tar', 'oci:refused-layout']) {
      const { status, stderr } = await slipway('convert', '-q', input, output);
      assert.equal(status, 125, `${output}: ${stderr}`);
      assert.match(stderr, reason, output);
      assert.doesNotMatch(stderr, /\n +at /, 'no stack');
    }
    assert.deepEqual(
      readdirSync(directory).filter((name) => /^(?:refused|\.slipway)/.test(name)),
      [],
    );
    assert.deepEqual(readdirSync(outside), ['target']);
    assert.equal(readFileSync(join(outside, 'target'), 'utf8'), 'untouched');
  };
  const unpacked = async (name: string, members: readonly Member[]): Promise<string> => {
    const { status, stderr } = await slipway(
      'convert',
      '-q',
      '--keep-top',
      put(`${name}.tar`, writeArchive(members)),
      name,
    );
    assert.equal(status, 0, stderr);
    assert.equal(readFileSync(join(outside, 'target'), 'utf8'), 'untouched');
    assert.deepEqual(readdirSync(outside), ['target']);
    return join(directory, name);
  };

  test('absolute names are names in the image', async () => {
    const tree = await unpacked('absolute', [file(`${outside}/target`, 'changed'), file('/etc/passwd', 'mine')]);
    assert.equal(readFileSync(join(tree, outside, 'target'), 'utf8'), 'changed');
    assert.equal(readFileSync(join(tree, 'etc/passwd'), 'utf8'), 'mine');
  });

  test('a link out and then through leads to a directory of the image', async () => {
    const tree = await unpacked('through', [
      symlink('out', outside),
      file('out/target', 'changed'),
      symlink('up', '../../../../../../..'),
      file('up/top', 'here'),
    ]);
    assert.equal(readFileSync(join(tree, outside, 'target'), 'utf8'), 'changed');
    assert.equal(readFileSync(join(tree, 'top'), 'utf8'), 'here');
  });

  test('a file over a link replaces the link', async () => {
    const tree = await unpacked('over', [dir('d'), symlink('d/link', `${outside}/target`), file('d/link', 'changed')]);
    assert.equal(readFileSync(join(tree, 'd/link'), 'utf8'), 'changed');
  });

  test('a directory over a link, and a file in it', async () => {
    const tree = await unpacked('swap', [symlink('d', outside), dir('d'), file('d/target', 'changed')]);
    assert.equal(readFileSync(join(tree, 'd/target'), 'utf8'), 'changed');
  });

  test('names that lead out', async () => {
    await refused(put('dots.tar', writeArchive([file('a/../../outside/target', 'changed')])), /leads out of the image/);
    await refused(put('hard.tar', writeArchive([hardlink('x', '../outside/target')])), /leads out of the image/);
  });

  test('hard links to what is not in the image', async () => {
    await refused(put('hard2.tar', writeArchive([hardlink('x', `${outside}/target`)])), /a file that is not there/);
    await refused(put('hard3.tar', writeArchive([dir('d'), hardlink('x', 'd')])), /a hard link to a directory/);
    await refused(
      put('hard4.tar', writeArchive([symlink('out', outside), hardlink('x', 'out/target')])),
      /a file that is not there/,
    );
  });

  test('links that go round', async () => {
    await refused(
      put('loop.tar', writeArchive([symlink('a', 'b'), symlink('b', 'a'), file('a/file', 'x')])),
      /too many symbolic links/,
    );
  });

  test('device files are left out and counted; set-ID bits do not come to disk', async () => {
    const members = [
      dir('dev'),
      makeMember({ path: 'dev/sda', type: 'block-device', devMajor: 8 }),
      makeMember({ path: 'dev/mem', type: 'character-device', devMajor: 1, devMinor: 1 }),
      file('su', 'x', 0o6755),
    ];
    const { status, stderr } = await slipway('convert', put('devices.tar', writeArchive(members)), 'devices');
    assert.equal(status, 0, stderr);
    assert.match(stderr, /device files are left out.*\(2 times\)/);
    assert.deepEqual(readdirSync(join(directory, 'devices/dev')), []);
    assert.equal(statSync(join(directory, 'devices/su')).mode & 0o7777, 0o755);
  });

  test('damaged compression of each kind', async () => {
    const archive = writeArchive([file('a', Buffer.alloc(300_000, 'content'))]);
    const compressed = {
      gz: gzipSync(archive),
      zst: execFileSync('zstd', ['-c'], { input: archive }),
      xz: execFileSync('xz', ['-c'], { input: archive }),
      bz2: execFileSync('bzip2', ['-c'], { input: archive }),
    };
    for (const [name, bytes] of Object.entries(compressed)) {
      await refused(put(`cut.tar.${name}`, bytes.subarray(0, bytes.length / 2)), /cut\.tar\./);
      const spoilt = Buffer.from(bytes);
      spoilt.fill(0xff, bytes.length - 40, bytes.length - 20);
      await refused(put(`spoilt.tar.${name}`, spoilt), /spoilt\.tar\./);
    }
  });

  test('archives that end early, or go on', async () => {
    const archive = writeArchive([file('a', Buffer.alloc(5000, 1)), file('b', 'x')]);
    await refused(put('short.tar', archive.subarray(0, 3000)), /ends within an entry/);
    await refused(put('long.tar', Buffer.concat([archive, Buffer.alloc(512, 7)])), /follows the end of the archive/);
  });

  test('files that are no image at all', async () => {
    await refused(put('noise.tar', Buffer.alloc(10_000, 'no image')), /neither squashfs nor SIF, and no tar archive/);
    await refused(put('empty.tar', Buffer.alloc(0)), /it is empty/);
    await refused('./not-there.sqfs', /no such file or directory/);
    await refused('/dev/zero', /neither a file nor a directory/);
    await refused(put('nothing.tar', Buffer.alloc(1024)), /nor a tar archive that holds anything/);
    await refused(`tar:${put('nothing.tar', Buffer.alloc(1024))}`, /it holds nothing/);
  });

  test('squashfs that lies or is cut', async () => {
    const tree = join(directory, 'small-tree');
    mkdirSync(tree);
    writeFileSync(join(tree, 'file'), Buffer.alloc(400_000, 'some content '));
    execFileSync('mksquashfs', [tree, join(directory, 'good.sqfs'), '-quiet', '-no-progress']);
    const good = readFileSync(join(directory, 'good.sqfs'));
    await refused(put('cut.sqfs', good.subarray(0, 200)), /cut\.sqfs/);
    const spoilt = Buffer.from(good);
    spoilt.fill(0xee, 100, 600);
    await refused(put('spoilt.sqfs', spoilt), /damaged/);
    const version = Buffer.from(good);
    version.writeUInt16LE(3, 28);
    await refused(put('version.sqfs', version), /squashfs 3\.0, not 4\.0/);
  });

  test('a SIF file, right, then in the ways in which it can lie', async () => {
    const squashfs = readFileSync(join(directory, 'good.sqfs'));
    put('good.sif', buildSif(usualObjects(squashfs)));
    const { status, stderr } = await slipway('convert', '-q', 'good.sif', 'from-sif');
    assert.equal(status, 0, stderr);
    assert.deepEqual(readdirSync(join(directory, 'from-sif')), ['file']);
    const spoiled = (name: string, spoil: (descriptor: Buffer) => void): string =>
      put(name, buildSif(usualObjects(squashfs), { spoil }));
    await refused(
      spoiled('beyond.sif', (d) => d.writeBigInt64LE(2n ** 50n, 17)),
      /offset of descriptor 1 is 1125899906842624, beyond the file's end/,
    );
    const partition = { type: 0x4004, content: squashfs };
    await refused(
      put('encrypted.sif', buildSif([{ ...partition, partition: { fileSystem: 5, role: 2 } }])),
      /its system partition is encrypted-squashfs/,
    );
    await refused(put('ext3.sif', buildSif([{ ...partition, partition: { fileSystem: 2, role: 2 } }])), /is ext3/);
    await refused(
      put('data.sif', buildSif([{ ...partition, partition: { fileSystem: 1, role: 3 } }])),
      /no system partition/,
    );
    await refused(put('oci.sif', buildSif([{ type: 0x400a, content: Buffer.from('{}') }])), /OCI-SIF/);
    await refused(
      put('wrong.sif', buildSif(usualObjects(Buffer.alloc(5000, 'not squashfs')))),
      /does not start as a squashfs does/,
    );
  });

  test('layouts whose blobs are not what they are called', async () => {
    const layout = join(directory, 'layout');
    writeLayout(layout, 'x', [{ layers: [writeArchive([dir('etc'), file('etc/x', 'one')])] }]);
    assert.equal((await slipway('convert', '-q', 'oci:layout', 'right')).status, 0);
    const blobs = join(layout, 'blobs/sha256');
    const layer = readdirSync(blobs).find((name) =>
      readFileSync(join(blobs, name))
        .subarray(0, 2)
        .equals(Buffer.from([0x1f, 0x8b])),
    );
    assert.ok(layer !== undefined);
    const path = join(blobs, layer);
    const bytes = readFileSync(path);
    const other = Buffer.from(bytes);
    other[12] = (other[12] ?? 0) ^ 1;
    writeFileSync(path, other);
    await refused('oci:layout', /digest/);
    writeFileSync(path, bytes.subarray(1));
    await refused('oci:layout', /has \d+ bytes, not \d+/);
    writeFileSync(path, bytes);
    writeFileSync(join(layout, 'index.json'), '{"schemaVersion":2,"manifests":[]}');
    await refused('oci:layout', /it holds none/);
    await refused('oci:layout:other', /it holds none/);
  });

  test('names of docker archives that lead elsewhere are names of members', async () => {
    const config = Buffer.from('{"rootfs":{"type":"layers","diff_ids":[]}}');
    const manifest = (Config: string, Layers: readonly string[]): Buffer =>
      Buffer.from(JSON.stringify([{ Config, RepoTags: [], Layers }]));
    const members = [
      makeMember({ path: 'config.json', content: config }),
      symlink('aside.json', '../../outside/target'),
      symlink('round.json', 'round.json'),
    ];
    for (const [index, [Config, Layers]] of (
      [
        ['../../etc/passwd', []],
        ['/etc/passwd', []],
        ['aside.json', []],
        ['round.json', []],
        ['config.json', ['/etc/passwd']],
      ] as const
    ).entries()) {
      const archive = writeArchive([
        ...members,
        makeMember({ path: 'manifest.json', content: manifest(Config, Layers) }),
      ]);
      await refused(`docker-archive:${put(`docker-${index}.tar`, archive)}`, /is not in it/);
    }
  });

  test('a name with control characters is shown without them', async () => {
    const { stderr } = await slipway('convert', put('ansi.tar', writeArchive([hardlink('\x1b[2Jx', 'gone')])), 'ansi');
    // oxlint-disable-next-line no-control-regex
    assert.doesNotMatch(stderr, /\x1b/);
    assert.match(stderr, /entry "\?\[2Jx"/);
  });

  test('a target that is a link is not followed', async () => {
    symlinkSync(outside, join(directory, 'link'));
    const made = await slipway('convert', '-q', './small-tree', 'link');
    assert.match(made.stderr, /it exists already/);
    assert.equal((await slipway('convert', '-qf', './small-tree', 'link')).status, 0);
    assert.deepEqual(readdirSync(outside), ['target']);
    assert.ok(existsSync(join(directory, 'link/file')));
  });
});
