// SPDX-License-Identifier: Apache-2.0
// What the program sees of the machine's files, what of the image's, and what it can write.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, chownSync, writeFileSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { isRoot, needs } from '../support/needs.ts';
import { acquireTestUser } from '../support/user.ts';
import { imageCommands, makeImages } from './images.ts';
import { launch, launchOk } from './launch.ts';

const skip = needs({ commands: imageCommands, userNamespaces: true, fuse: true });

suite('the files of a program that slipway runs', { skip }, async () => {
  const user = await acquireTestUser();
  const { directory, squashfs } = await makeImages(user);
  const images = [directory, squashfs];
  const data = join(user.home, 'data');
  await user.runOk([
    'sh',
    '-c',
    'mkdir -p data/inner more; echo one >data/file; echo inner >data/inner/file; echo two >more/file',
  ]);
  const inside = (image: string, script: string, options: readonly string[] = []): Promise<string> =>
    launchOk(user, [...options, image, '--', 'sh', '-c', script]);

  test('by default: devices, processes and kernel of the machine, /tmp, the home, names of hosts', async () => {
    const hosts = readFileSync('/etc/hosts', 'utf8');
    const resolv = existsSync('/etc/resolv.conf') ? readFileSync('/etc/resolv.conf', 'utf8') : 'nameserver 192.0.2.1\n';
    writeFileSync(join(user.temporaryDirectory, 'from-outside'), 'x');
    for (const image of images) {
      assert.equal(await inside(image, 'echo x >/dev/null && head -c 4 /dev/zero | wc -c'), '4\n');
      assert.equal(
        (await inside(image, `cat /proc/${process.pid}/comm`)).trim(),
        readFileSync('/proc/self/comm', 'utf8').trim(),
      );
      assert.equal(await inside(image, 'ls -d /sys/kernel'), '/sys/kernel\n');
      assert.equal(await inside(image, 'cat /etc/hosts'), hosts);
      assert.equal(await inside(image, 'cat /etc/resolv.conf'), resolv);
      assert.equal(await inside(image, 'cat ~/data/file'), 'one\n');
      assert.equal(await inside(image, 'cat $TMPDIR/from-outside; echo y >$TMPDIR/from-inside'), 'x');
      assert.equal(readFileSync(join(user.temporaryDirectory, 'from-inside'), 'utf8'), 'y\n');
    }
  });

  test('the root is the image, and read-only; set-user-id and devices of it are without effect', async () => {
    for (const image of images) {
      assert.equal(await inside(image, 'cat /work/note'), 'from the image\n');
      const { status, said } = await launch(user, [image, '--', 'touch', '/work/new']);
      assert.deepEqual([status, /Read-only file system/.test(said)], [1, true]);
      const [first = ''] = (
        await inside(image, 'grep " / / \\| / [^ ]*/image / " /proc/self/mountinfo || head -1 /proc/self/mountinfo')
      ).split('\n');
      for (const option of ['ro', 'nosuid', 'nodev']) assert.match(first, new RegExp(`[ ,]${option}[ ,]`));
    }
  });

  test('nothing of the machine’s root is left: neither mounted nor above /', async () => {
    for (const image of images) {
      for (const options of [[], ['-w'], ['--mount', 'type=tmpfs,target=/new/place']]) {
        const listed = await inside(image, 'ls /..; echo; ls /', options);
        const [above, below] = listed.split('\n\n').map((text) => text.trim());
        assert.equal(above, below, options.join(' '));
        const mounts = await inside(image, 'cat /proc/self/mountinfo', options);
        const roots = mounts.split('\n').filter((line) => line.split(' ')[4] === '/');
        assert.equal(roots.length, 1, roots.join('\n'));
      }
    }
  });

  test('--no-home leaves the home out and sets HOME to what is there', async () => {
    // /tmp, where test homes are, is shown anyway.
    const home = mkdtempSync('/var/tmp/slipway-test-home-');
    after(() => rmSync(home, { recursive: true }));
    if (isRoot()) chownSync(home, user.uid, user.gid);
    writeFileSync(join(home, 'letter'), 'dear');
    const script = 'echo $HOME; ls "$1" 2>&1';
    for (const image of images) {
      const env = { HOME: home };
      const words = [image, '--', 'sh', '-c', script, 'sh', home];
      assert.equal((await launch(user, words, { env })).stdout, `${home}\nletter\n`);
      const without = await launch(user, ['--no-home', ...words], { env });
      assert.equal(without.stdout, `/\nls: ${home}: No such file or directory\n`);
    }
  });

  test('-v shows a directory or a file of the machine, at the same path or another, writable or not', async () => {
    for (const image of images) {
      assert.equal(await inside(image, 'cat /mnt/file /mnt/inner/file', ['-v', `${data}:/mnt`]), 'one\ninner\n');
      assert.equal(await inside(image, 'cat /mnt/file', ['-v', './data:/mnt']), 'one\n', 'relative to the caller');
      assert.equal(await inside(image, `cat ${data}/file`, ['--no-home', '-v', data]), 'one\n');
      assert.equal(
        await inside(image, 'cat /work/note /work/other', ['-v', `${data}/file:/work/note`]),
        'one\nalso from the image\n',
      );
      await inside(image, 'echo written >/mnt/new', ['-v', `${data}:/mnt`]);
      assert.equal(readFileSync(join(data, 'new'), 'utf8'), 'written\n');
      const refused = await launch(user, ['-v', `${data}:/mnt:ro`, image, '--', 'touch', '/mnt/new']);
      assert.match(refused.said, /Read-only file system/);
    }
  });

  test('--mount says the same in words', async () => {
    for (const image of images) {
      for (const spec of [
        `type=bind,source=${data},target=/mnt`,
        `src=${data},dst=/mnt`,
        `type=bind,source=./data,destination=/mnt,readonly=false`,
      ]) {
        assert.equal(await inside(image, 'cat /mnt/file; touch /mnt/file', ['--mount', spec]), 'one\n');
      }
      const refused = await launch(user, [
        '--mount',
        `src=${data},dst=/mnt,readonly`,
        image,
        '--',
        'touch',
        '/mnt/file',
      ]);
      assert.match(refused.said, /Read-only file system/);
    }
  });

  test('read-only reaches mounts below the source', async () => {
    for (const image of images) {
      const options = await inside(image, 'grep -E " /mnt/(shm|pts) " /proc/self/mountinfo', ['-v', '/dev:/mnt:ro']);
      for (const line of options.trim().split('\n')) assert.match(line, / \/mnt\/\S+ ro,/);
      assert.match((await launch(user, ['-v', '/dev:/mnt:ro', image, '--', 'touch', '/mnt/shm/x'])).said, /Read-only/);
    }
  });

  test('noexec, nosuid and nodev are put on a mount', async () => {
    await user.runOk(['sh', '-c', 'cp image/bin/busybox data/echo && chmod 755 data/echo']);
    for (const image of images) {
      assert.equal(await inside(image, '/mnt/echo runs', ['-v', `${data}:/mnt`]), 'runs\n');
      const { status } = await launch(user, ['-v', `${data}:/mnt:ro,noexec`, image, '--', '/mnt/echo', 'runs']);
      assert.equal(status, 126);
      const line = await inside(image, 'grep " /mnt " /proc/self/mountinfo', [
        '-v',
        `${data}:/mnt:nosuid,nodev,noexec`,
      ]);
      assert.match(line, / \/mnt rw,nosuid,nodev,noexec,/);
    }
  });

  test('mounts apply in the order given, the later ones on top, and inside one another', async () => {
    for (const image of images) {
      const both = ['-v', `${data}:/mnt`, '-v', './more:/mnt/inner'];
      assert.equal(await inside(image, 'cat /mnt/file /mnt/inner/file', both), 'one\ntwo\n');
      assert.equal(await inside(image, 'cat /mnt/file', ['-v', './more:/mnt', '-v', `${data}:/mnt`]), 'one\n');
    }
  });

  test('a mount point that the image lacks is made, and the rest of the root stays as it is', async () => {
    for (const image of images) {
      for (const target of ['/mnt/deep/er', '/absent/place', '/work/under']) {
        const script = `cat ${target}/file /work/note; touch /work/x 2>&1; touch ${target}/../x 2>&1; :`;
        const said = await inside(image, script, ['-v', `./more:${target}`]);
        assert.match(said, /^two\nfrom the image\n(?:touch: .*: Read-only file system\n){2}$/, target);
      }
      for (const target of ['/mnt/a-file', '/absent/a-file']) {
        assert.equal(await inside(image, `cat ${target}`, ['-v', `./more/file:${target}`]), 'two\n');
      }
      // Both at once, of which one could do without an overlay.
      const two = ['-v', './more:/mnt/one/two', '-v', './data:/srv'];
      assert.equal(await inside(image, 'cat /mnt/one/two/file /srv/file; ls /mnt', two), 'two\none\none\n');
    }
    assert.deepEqual(readdirSync(join(directory, 'mnt')), [], 'the image itself is untouched');
    assert.ok(!existsSync(join(directory, 'absent')));
  });

  test('a link in the image leads a mount to its place in the image, never out of it', async () => {
    // There on the machine, and not in the image.
    const outside = mkdtempSync('/var/tmp/slipway-test-outside-');
    after(() => rmSync(outside, { recursive: true }));
    if (isRoot()) chownSync(outside, user.uid, user.gid);
    const script = 'cd image; ln -sfn /srv absolute; ln -sfn ../../../../srv dots; ln -sfn "$1" away';
    await user.runOk(['sh', '-euc', script, 'sh', outside]);
    const linked = join(user.home, 'linked.squashfs');
    await user.runOk(['mksquashfs', directory, linked, '-all-root', '-no-progress', '-quiet']);
    for (const image of [directory, linked]) {
      for (const link of ['/absolute', '/dots']) {
        assert.equal(await inside(image, 'cat /srv/file', ['-v', `./more:${link}`]), 'two\n');
      }
      // Where the link would lead is made in the image's own tree.
      for (const target of ['/away', '/away/below']) {
        assert.equal(
          await inside(image, `cat ${outside}${target.slice('/away'.length)}/file`, ['-v', `./more:${target}`]),
          'two\n',
        );
      }
      assert.deepEqual(readdirSync(outside), []);
    }
    await user.runOk(['sh', '-c', 'cd image; rm absolute dots away']);
  });

  test('tmpfs: of its size and mode, empty, and of this launch alone', async () => {
    for (const image of images) {
      const options = ['--mount', 'type=tmpfs,target=/mnt,size=64K,mode=0750'];
      assert.equal(await inside(image, 'stat -c %a /mnt; ls -A /mnt; echo x >/mnt/x; cat /mnt/x', options), '750\nx\n');
      const full = await launch(user, [
        ...options,
        image,
        '--',
        'dd',
        'if=/dev/zero',
        'of=/mnt/big',
        'bs=100000',
        'count=1',
      ]);
      assert.match(full.said, /No space left on device/);
      const plain = ['--mount', 'type=tmpfs,dst=/mnt'];
      assert.equal(await inside(image, 'ls -A /mnt; stat -c %a /mnt', plain), '1777\n');
      assert.match(await inside(image, 'grep " /mnt " /proc/self/mounts', plain), / \/mnt tmpfs rw,nosuid,nodev/);
    }
  });

  suite('--writable', () => {
    const change =
      'echo new >/work/new; echo changed >/work/note; rm /work/other; mkdir /top; ls /work; cat /work/note';
    const unchanged = ['note', 'other'];

    test('in memory: all can be changed, and all is gone with the program', async () => {
      for (const image of images) {
        assert.equal(await inside(image, change, ['-w']), 'new\nnote\nchanged\n');
        assert.equal(await inside(image, 'ls /work; cat /work/note', ['-w']), 'note\nother\nfrom the image\n');
      }
      assert.deepEqual(readdirSync(join(directory, 'work')), unchanged);
    });

    test('the owner of what the image holds is the caller, and new files are his', async () => {
      for (const image of images) {
        const said = await inside(image, 'touch /work/new; stat -c "%u" /work/new /work/note /', ['-w']);
        assert.equal(said, `${user.uid}\n`.repeat(3));
      }
    });

    test('no more than SIZE fits in', async () => {
      for (const image of images) {
        const fill = ['dd', 'if=/dev/zero', 'of=/big', 'bs=100000', 'count=20'];
        const { status, said } = await launch(user, ['-w1M', image, '--', ...fill]);
        assert.deepEqual([status, /No space left on device/.test(said)], [1, true]);
        assert.equal(await inside(image, 'head -c 500000 /dev/zero >/big; wc -c </big', ['-w1M']), '500000\n');
      }
    });

    test('in a directory: kept there between runs, the image unchanged', async () => {
      for (const [index, image] of images.entries()) {
        await user.runOk(['mkdir', `over-${index}`]);
        const options = [`--writable=./over-${index}`];
        assert.equal(await inside(image, change, options), 'new\nnote\nchanged\n');
        assert.equal(
          await inside(image, 'ls /work; cat /work/note /work/new; ls -d /top', options),
          'new\nnote\nchanged\nnew\n/top\n',
        );
        assert.equal(await inside(image, 'ls /work'), 'note\nother\n');
      }
      assert.deepEqual(readdirSync(join(directory, 'work')), unchanged);
      // overlayfs leaves a directory there that nobody may enter.
      await user.runOk(['sh', '-c', 'chmod -R u+rwX over-*']);
    });

    test('with another identity too', async () => {
      for (const image of images) {
        const said = await inside(image, 'touch /work/new; stat -c %u /work/new /work/note', [
          '-w',
          '--uid=0',
          '--gid=0',
        ]);
        assert.equal(said, '0\n0\n');
      }
    });
  });
});
