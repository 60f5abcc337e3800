// SPDX-License-Identifier: Apache-2.0
// `ch-convert` beside Debian's: same status for the same words, and trees of the same files, types, modes and links; and
// the commands of older releases, in which the FAQ's failing tarball becomes an image that runs.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { suite, test } from 'node:test';
import { imageCommands } from '../run/images.ts';
import { talkWith } from '../run/talk.ts';
import type { CommandResult } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { makePlayground } from './playground.ts';

const skip = needs({
  commands: [...imageCommands, 'ch-convert', 'unsquashfs', 'xz'],
  userNamespaces: true,
  fuse: true,
});

/** Command lines, and what is compared after them. Each begins with what the ones before have left. */
type Line = { readonly words: string; readonly trees?: readonly string[]; readonly says?: boolean };
const lines: readonly Line[] = [
  { words: './img a.sqfs', trees: ['a.sqfs'] },
  { words: 'a.sqfs ./fromsquash', trees: ['fromsquash'] },
  { words: './img b.tar.gz', trees: ['b.tar.gz'] },
  { words: 'b.tar.gz ./fromtar', trees: ['fromtar'] },
  { words: 'b.tar.gz ./fromtar', trees: ['fromtar'] },
  { words: '--no-clobber b.tar.gz ./fromtar', trees: ['fromtar'] },
  { words: 'a.sqfs c.tgz', trees: ['c.tgz'] },
  { words: 'b.tar.gz d.sqfs', trees: ['d.sqfs'] },
  { words: '-i dir -o squash img e.sqfs', trees: ['e.sqfs'] },
  { words: '--in-fmt=dir --out-fmt=squash img e.sqfs', trees: ['e.sqfs'] },
  { words: '-i dir -o squash img plain', trees: [] },
  { words: 'top.tar.gz ./top', trees: ['top'] },
  { words: 'top.tar.xz ./topxz', trees: ['topxz'] },
  { words: 'plain.tar ./plaintar', trees: ['plaintar'] },
  { words: 'modes.tar.gz ./modes', trees: [] },
  { words: '-n b.tar.gz ./never' },
  { words: './img ./copy', says: true },
  { words: 'a.sqfs b.sqfs', says: true },
  { words: './img x.tar', says: true },
  { words: '--no-clobber ./img a.sqfs', says: true },
  { words: '--no-clobber ./img b.tar.gz', says: true },
  { words: '-i nonsense ./img y.sqfs', says: true },
  { words: './nosuch y.sqfs', says: true },
  { words: 'nosuch.sqfs ./y', says: true },
  { words: 'nosuch.tar.gz ./y', says: true },
  { words: 'nosuch ./y' },
  { words: 'b.tar.gz ./src' },
  { words: 'b.tar.gz ./notes.txt', says: true },
  { words: '--tmp relative b.tar.gz ./y', says: true },
  { words: '--tmp /nosuch b.tar.gz ./y' },
  { words: '' },
  { words: './img' },
  { words: 'a b c' },
  { words: '--nosuch ./img y.sqfs' },
  { words: './img -n y.sqfs' },
];

suite('ch-convert and that of Debian', { skip }, async () => {
  const [ours, theirs] = await Promise.all([acquireTestUser(), acquireTestUser()]);
  const prepare = async (user: TestUser): Promise<void> => {
    await makePlayground(user);
    await user.runOk([
      'sh',
      '-euc',
      // Libraries take the most time to pack, and busybox needs none.
      `rm -r img/lib/* img/usr/lib; mkdir -p t/top/bin t/top/dev t/top/usr/dev t/top/closed; echo x > t/top/bin/prog; chmod 755 t/top/bin/prog
       echo y > t/top/dev/node; echo z > t/top/usr/dev/kept; ln t/top/bin/prog t/top/bin/same; chmod 1777 t/top/usr
       chmod 500 t/top/closed; tar -C t -czf top.tar.gz top; tar -C t -cJf top.tar.xz top
       tar -C t/top -cf plain.tar bin dev usr closed; chmod 700 t/top/closed
       mkdir m; mkdir m/a; echo s > m/a/f; chmod 000 m/a/f; tar --mode=u+r -C m -czf modes.tar.gz a 2>/dev/null || :`,
    ]);
  };
  await Promise.all([prepare(ours), prepare(theirs)]);

  for (const { words, trees, says } of lines) {
    test(`ch-convert ${words}`, async () => {
      const [one, other] = await Promise.all([
        convert(ours, `${ours.prefix}/bin/ch-convert`, words),
        convert(theirs, '/usr/bin/ch-convert', words),
      ]);
      // Where a shell script of theirs trips over itself, 127 is no answer.
      const expected = other.status === 127 ? 1 : other.status;
      assert.equal(one.status, expected, `ours: ${one.stderr}\ntheirs: ${other.stderr}`);
      if (says === true) assert.equal(errorIn(one, ours), errorIn(other, theirs));
      for (const name of trees ?? []) {
        assert.deepEqual(await listing(ours, name), await listing(theirs, name), name);
      }
    });
  }

  test('-v says with what it works, as the other does', async () => {
    const said = async (user: TestUser, program: string): Promise<readonly string[]> => {
      const { stderr } = await convert(user, program, '-v -n --no-clobber ./img never.sqfs');
      return stderr.split('\n').filter((line) => /^(?:verbose level|docker|podman|noclobber): /.test(line));
    };
    const [one, other] = [await said(ours, `${ours.prefix}/bin/ch-convert`), await said(theirs, '/usr/bin/ch-convert')];
    assert.equal(one.length, 4);
    assert.deepEqual(one, other);
  });

  test('a file of which one may not read the content fails, and leaves nothing', async () => {
    await ours.runOk([
      'sh',
      '-euc',
      'mkdir closed; cp -a img/bin img/etc closed; echo x > closed/f; chmod 000 closed/f',
    ]);
    const { status } = await convert(ours, `${ours.prefix}/bin/ch-convert`, './closed closed.sqfs');
    assert.equal(status, 1);
    assert.equal(await ours.runOk(['sh', '-c', 'ls -A | grep -c -e closed.sqfs -e .slipway || :']), '0\n');
  });

  suite('the commands of older releases', () => {
    const run = (words: string): Promise<CommandResult> => ours.run(['sh', '-c', words]);

    test('ch-tar2dir unpacks a tarball with a top directory into an image that runs', async () => {
      await ours.runOk(['sh', '-c', 'mkdir faq && cp -a img faq/chtest && tar -C faq -czf chtest2.tar.gz chtest']);
      const unpacked = await run('ch-tar2dir chtest2.tar.gz .');
      assert.deepEqual([unpacked.status, unpacked.stdout], [0, `${ours.home}/chtest2 unpacked ok\n`], unpacked.stderr);
      assert.match(unpacked.stderr, /creating new image .*\/chtest2$/m);
      assert.equal(await ours.runOk(['ch-run', './chtest2', '--', 'echo', 'hello']), 'hello\n');
      assert.equal(await ours.runOk(['cat', 'chtest2/WEIRD_AL_YANKOVIC']), 'This directory is a Charliecloud image.\n');
      const again = await run('ch-tar2dir chtest2 .');
      assert.match(again.stderr, /found: .*\/chtest2\.tar\.gz\n.*replacing existing image/s);
    });

    test('ch-tar2dir without a top directory, and where something else stands', async () => {
      await ours.runOk([
        'sh',
        '-c',
        'tar -C img -czf chtest3.tar.gz .; mkdir chtest4; cp chtest3.tar.gz chtest4.tar.gz',
      ]);
      assert.equal((await run('ch-tar2dir chtest3.tar.gz .')).status, 0);
      assert.equal(await ours.runOk(['ch-run', './chtest3', '--', 'echo', 'hello']), 'hello\n');
      const refused = await run('ch-tar2dir chtest4.tar.gz .');
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /error: .*\/chtest4 exists but does not appear to be an image/);
      assert.match((await run('ch-tar2dir nosuch .')).stderr, /can't read: .*\/nosuch\n.*error: no input found/s);
      assert.match((await run('ch-tar2dir chtest3.tar.gz nosuch')).stderr, /can't unpack: nosuch does not exist/);
    });

    test('ch-dir2squash makes an image that runs', async () => {
      assert.equal((await run('mkdir -p out && ch-dir2squash img out')).status, 0);
      assert.equal(await ours.runOk(['ch-run', 'out/img.sqfs', '--', 'echo', 'hello']), 'hello\n');
    });

    test('what needs docker says that it is missing', async () => {
      for (const words of ['ch-docker2tar foo .', 'ch-build -t foo .', 'ch-build2dir . .']) {
        const { status, stderr } = await ours.run(['sh', '-c', words], { env: { DOCKER_HOST: 'unix:///nosuch.sock' } });
        assert.equal(status, 1, stderr);
        assert.match(stderr, /error: .*docker/, words);
      }
    });
  });

  test('ch-checkns and ch-test find that all works', async () => {
    assert.equal(await ours.runOk(['ch-checkns']), 'ok\n');
    const said = await ours.runOk(['ch-test']);
    assert.match(said, /^1\.\.15\n(?:ok \d+ .*\n){15}$/);
    assert.equal((await ours.run(['ch-test', '-s', 'full'])).status, 1);
    const refused = await ours.run(['ch-checkns'], { env: { TMPDIR: '/nosuch' } });
    assert.notEqual(refused.status, 0);
  });

  suite('ch-image', () => {
    const image = (...words: string[]): Promise<CommandResult> => ours.run(['ch-image', '-s', 'own', ...words]);

    test('imports, lists, runs and deletes', async () => {
      for (const [from, name] of [
        ['img', 'foo:1'],
        ['b.tar.gz', 'a/b'],
        ['a.sqfs', 'c'],
      ] as const) {
        const { status, stderr } = await image('import', from, name);
        assert.equal(status, 0, stderr);
        assert.equal(await ours.runOk(['ch-run', '-s', 'own', name, '--', 'cat', '/opt/one']), 'one');
      }
      assert.equal((await image('list')).stdout, 'a/b\nc\nfoo:1\n');
      assert.equal((await image('delete', 'f*')).status, 0);
      assert.equal((await image('delete', 'nosuch')).status, 1);
      assert.equal((await image('list')).stdout, 'a/b\nc\n');
      assert.equal((await image('storage-path')).stdout, `${ours.home}/own\n`);
      assert.equal((await image('gestalt', 'storage-path')).stdout, `${ours.home}/own\n`);
      assert.equal((await image('reset')).status, 0);
      assert.equal((await image('list')).stdout, '');
    });

    test("one changes the storage directory at a time, and who dies is in nobody's way", async () => {
      await image('reset');
      await image('import', 'img', 'before');
      // A registry that never answers, so that a pull goes on.
      const silent = createServer(() => undefined);
      await once(silent.listen(0, '127.0.0.1'), 'listening');
      const address = silent.address();
      assert.ok(address !== null && typeof address === 'object');
      const words = ['--tls-no-verify', 'pull', `127.0.0.1:${address.port}/x`];
      const pull = talkWith(ours, ['ch-image', '-s', 'own', ...words]);
      try {
        await ours.runOk(['sh', '-c', 'until [ -d own/dlcache/lock ]; do sleep 0.1; done'], { timeoutMs: 180_000 });
        for (const verb of [['import', 'img', 'x'], ['delete', 'before'], ['reset']] as const) {
          const refused = await image(...verb);
          assert.equal(refused.status, 1);
          assert.match(refused.stderr, /^error: storage directory is already in use: .*\/own$/m);
        }
        assert.equal((await image('list')).stdout, 'before\n');
        assert.equal((await image('--no-lock', 'import', 'img', 'beside')).status, 0);
      } finally {
        await ours.run(['kill', '-9', String(pull.pid)]);
        await pull.end;
        silent.close();
      }
      const next = await image('import', 'img', 'after');
      assert.equal(next.status, 0, next.stderr);
      assert.equal((await image('list')).stdout, 'after\nbefore\nbeside\n');
    });

    test('refuses a directory that is something else, and words that it does not know', async () => {
      // As ch-run of Charliecloud leaves it.
      assert.equal(await ours.runOk(['sh', '-c', 'mkdir -p mounted/mnt; ch-image -s mounted list']), '');
      assert.match((await ours.run(['ch-image', '-s', 'src', 'list'])).stderr, /storage directory seems invalid/);
      assert.equal((await image('nosuch')).status, 2);
      assert.equal((await image('delete')).status, 2);
      assert.match((await image('import', 'nosuch', 'x')).stderr, /can't copy: not found: nosuch/);
    });
  });
});

async function convert(user: TestUser, program: string, words: string): Promise<CommandResult> {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', CH_IMAGE_STORAGE: `${user.home}/.none` };
  return await user.run([program, ...words.split(' ').filter((word) => word !== '')], { env });
}

function errorIn({ stderr }: CommandResult, user: TestUser): string | undefined {
  return /^error: (.*)$/m.exec(stderr)?.[1]?.replaceAll(user.home, 'HOME');
}

/** Of each file: name, type, mode, size of files, target of links. Mount points that only one side adds are left out. */
async function listing(user: TestUser, name: string): Promise<readonly string[]> {
  const unpacked = 'looked-at';
  const unpack = name.endsWith('.sqfs')
    ? 'unsquashfs -quiet -no-progress -d "$2" "$1" >/dev/null'
    : /\.t(ar\.)?gz$/.test(name)
      ? 'mkdir "$2" && tar -C "$2" -xpzf "$1"'
      : 'cp -a "$1" "$2"';
  const script = `umask 0; rm -rf "$2"; ${unpack} || exit 1
    cd "$2" && find . -mindepth 1 -printf '%P %y %m %l\\n'; cd ..; chmod -R u+rwx "$2"; rm -rf "$2"`;
  const text = await user.runOk(['sh', '-c', script, 'sh', name, unpacked]);
  const added = /^(?:mnt(?:\/\d)?|bin|dev|etc|proc|sys|tmp|usr|etc\/(?:passwd|group|hosts|resolv\.conf)) /;
  return text
    .split('\n')
    .filter((line) => line !== '' && !added.test(line))
    .toSorted();
}
