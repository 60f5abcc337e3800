// SPDX-License-Identifier: Apache-2.0
// GNU tar and Python's tarfile write; what is read must be what they were given. And what is written here they read.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { linkSync, lutimesSync, readdirSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Member, makeMember, readArchive, writeArchive } from './archive.test-helper.ts';

function isMissing(program: string): string | false {
  return spawnSync(program, ['--version']).status === 0 ? false : `install: ${program} is missing`;
}

function runOk(argv: readonly [string, ...string[]], options: { input?: Buffer; cwd?: string } = {}): Buffer {
  const [program, ...words] = argv;
  const result = spawnSync(program, words, { ...options, env: { ...process.env, LC_ALL: 'C' }, maxBuffer: 2 ** 28 });
  assert.equal(result.status, 0, `${argv.join(' ')}: ${String(result.stderr)}`);
  return result.stdout;
}

describe('GNU tar', { skip: isMissing('tar') }, () => {
  let directory = '';
  before(() => {
    directory = mkdtempSync('/tmp/slipway-test-');
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  const longName = `${'n'.repeat(120)}.txt`;
  const deep = Array.from({ length: 6 }, () => 'd'.repeat(60)).join('/');

  for (const format of ['v7', 'ustar', 'oldgnu', 'gnu', 'pax']) {
    test(`its ${format} archives read as the tree that they were made of`, () => {
      const tree = join(directory, format);
      mkdirSync(tree);
      writeFileSync(join(tree, 'empty'), '');
      writeFileSync(join(tree, 'script'), 'x'.repeat(1000), { mode: 0o755 });
      utimesSync(join(tree, 'script'), 1_234_567_890, 1_234_567_890);
      writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe, 0x20])]), 'latin');
      symlinkSync('script', join(tree, 'symlink'));
      lutimesSync(join(tree, 'symlink'), 5, 5);
      linkSync(join(tree, 'script'), join(tree, 'zz-hard'));
      const hasLongNames = format !== 'v7' && format !== 'ustar';
      if (hasLongNames) {
        mkdirSync(join(tree, deep), { recursive: true });
        writeFileSync(join(tree, deep, longName), 'deep');
        symlinkSync('t'.repeat(500), join(tree, 'long-link'));
      }
      const options = [`--format=${format}`, '--sort=name', '--owner=1000000', '--group=7', '--numeric-owner'];
      const archive = runOk(['tar', ...options, '-cf', '-', '-C', tree, '.']);
      const members = readArchive(archive, [513]);
      const byName = (name: string): Member => {
        const found = members.find((member) => member.path.toString('latin1') === `./${name}`);
        return found ?? assert.fail(`no member ${name}`);
      };
      assert.equal(byName('').type, 'directory');
      assert.equal(byName('empty').sizeBytes, 0);
      const script = byName('script');
      assert.deepEqual([script.type, script.mode, script.uid, script.gid], ['file', 0o755, 1_000_000, 7]);
      assert.deepEqual([script.mtimeSec, script.content.toString()], [1_234_567_890, 'x'.repeat(1000)]);
      assert.equal(byName('\xff\xfe ').content.toString(), 'latin');
      assert.deepEqual([byName('symlink').type, byName('symlink').linkTarget.toString()], ['symlink', 'script']);
      assert.deepEqual([byName('zz-hard').type, byName('zz-hard').linkTarget.toString()], ['hardlink', './script']);
      if (hasLongNames) {
        assert.equal(byName(`${deep}/${longName}`).content.toString(), 'deep');
        assert.equal(byName('long-link').linkTarget.toString(), 't'.repeat(500));
      }
    });
  }

  for (const [format, words] of [
    ['gnu', ['--format=gnu']],
    ['oldgnu', ['--format=oldgnu']],
    ['pax 0.0', ['--format=pax', '--sparse-version=0.0']],
    ['pax 0.1', ['--format=pax', '--sparse-version=0.1']],
    ['pax 1.0', ['--format=pax', '--sparse-version=1.0']],
  ] as const) {
    test(`its sparse files (${format}) unfold to what they were`, () => {
      const tree = join(directory, `sparse-${format.replace(' ', '-')}`);
      mkdirSync(tree);
      const write = (
        name: string,
        parts: readonly (readonly [at: number, text: string])[],
        sizeBytes: number,
      ): void => {
        const file = openSync(join(tree, name), 'w');
        for (const [at, text] of parts) writeSync(file, text, at);
        ftruncateSync(file, sizeBytes);
        closeSync(file);
      };
      // More parts than one header or extension block has room for.
      const many = Array.from({ length: 60 }, (_, index) => [index * 65_536 + 4096, `part ${index}`] as const);
      write('a-many', many, 4 * 1024 * 1024);
      write('b-hole-only', [], 1_000_000);
      write('c-tail', [[500_000, 'tail']], 500_004);
      write(`d-${'long'.repeat(40)}`, [[0, 'head']], 300_000);
      writeFileSync(join(tree, 'e-after'), 'after');
      const archive = runOk(['tar', ...words, '--sparse', '--sort=name', '-cf', '-', '-C', tree, '.']);
      assert.ok(archive.length < 1_500_000, 'the archive is sparse');
      const members = readArchive(archive, [700, 3, 100_000]).filter((member) => member.type === 'file');
      assert.deepEqual(
        members.map((member) => member.path.toString()),
        readdirSync(tree)
          .sort()
          .map((name) => `./${name}`),
      );
      for (const member of members) {
        const expected = readFileSync(join(tree, member.path.toString()));
        assert.equal(member.sizeBytes, expected.length);
        assert.ok(member.content.equals(expected), member.path.toString());
      }
    });
  }

  test('it lists what is written here', () => {
    const members = [
      makeMember({ path: 'd', type: 'directory', mode: 0o755, mtimeSec: 100 }),
      makeMember({
        path: `d/${'é'.repeat(150)}`,
        content: Buffer.from('long name'),
        uid: 3_000_000_000,
        mtimeSec: -10,
      }),
      makeMember({ path: 'd/l', type: 'symlink', linkTarget: 'x'.repeat(150) }),
      makeMember({ path: 'd/h', type: 'hardlink', linkTarget: `d/${'é'.repeat(150)}` }),
      makeMember({ path: 'd/\xff', content: Buffer.from('latin') }),
    ];
    const archive = writeArchive(members);
    const listed = runOk(['tar', '-tvf', '-', '--numeric-owner', '--full-time', '--utc', '--quoting-style=escape'], {
      input: archive,
    });
    const lines = listed.toString().trim().split('\n');
    assert.match(lines[0] ?? '', /^drwxr-xr-x 0\/0 +0 1970-01-01 00:01:40 d\/$/);
    assert.match(lines[1] ?? '', /^-rw-r--r-- 3000000000\/0 +9 1969-12-31 23:59:50 d\/(?:\\351){150}$/);
    assert.match(lines[2] ?? '', /^l.* d\/l -> x{150}$/);
    assert.match(lines[3] ?? '', /^h.* d\/h link to d\//);
    assert.match(lines[4] ?? '', /d\/\\377$/);
    assert.equal(lines.length, 5);
  });
});

describe('Python tarfile', { skip: isMissing('python3') }, () => {
  const script = `
import io, json, sys, tarfile
spec = json.load(sys.stdin)
out = tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=getattr(tarfile, spec['format']),
                   encoding='utf-8', errors='surrogateescape')
for member in spec['members']:
    info = tarfile.TarInfo(bytes.fromhex(member['path']).decode('utf-8', 'surrogateescape'))
    content = bytes.fromhex(member['content'])
    info.size, info.mode, info.uid, info.gid = len(content), member['mode'], member['uid'], member['gid']
    info.mtime = member['mtime']
    out.addfile(info, io.BytesIO(content))
out.close()
`;
  for (const format of ['USTAR_FORMAT', 'GNU_FORMAT', 'PAX_FORMAT']) {
    test(`its ${format} archives read as they were meant`, () => {
      const isUstar = format === 'USTAR_FORMAT';
      const members = [
        { path: 'a', content: '', mode: 0o600, uid: 1, gid: 2, mtime: 3 },
        { path: 'caf\xc3\xa9/\xff', content: 'ab'.repeat(600), mode: 0o4755, uid: 5, gid: 6, mtime: 2 ** 31 },
        ...(isUstar
          ? [{ path: `${'p'.repeat(150)}/${'q'.repeat(99)}`, content: '00', mode: 0, uid: 0, gid: 0, mtime: 0 }]
          : [{ path: 'z'.repeat(700), content: '00', mode: 0o1777, uid: 4_294_967_294, gid: 2_100_000, mtime: -7 }]),
        ...(format === 'PAX_FORMAT' ? [{ path: 'f', content: '', mode: 0, uid: 0, gid: 0, mtime: -1.25 }] : []),
      ];
      const spec = {
        format,
        members: members.map((member) => ({ ...member, path: Buffer.from(member.path, 'latin1').toString('hex') })),
      };
      const archive = runOk(['python3', '-c', script], { input: Buffer.from(JSON.stringify(spec)) });
      const read = readArchive(archive, [100]).map((member) => ({
        path: member.path.toString('latin1'),
        content: member.content.toString('hex'),
        mode: member.mode,
        uid: member.uid,
        gid: member.gid,
        mtime: member.mtimeSec + member.mtimeNsec / 1e9,
      }));
      assert.deepEqual(read, members);
    });
  }
});
