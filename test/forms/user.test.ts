// SPDX-License-Identifier: Apache-2.0
// Conversions by an ordinary user, of trees and images that belong to others.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { runOk } from '../support/command.ts';
import { realImage } from '../support/images.ts';
import { isRoot, needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { isLeftOut } from './forms.ts';
import { listTree } from './listing.ts';

const skip = needs({ commands: ['unsquashfs', 'tar', 'umoci', 'mmdebstrap', 'mksquashfs'] });

suite('conversions by an ordinary user', { skip }, () => {
  let user: TestUser;
  let layout = '';
  let directory = '';
  let expected: ReturnType<typeof listTree> = {};
  const convert = async (...words: readonly string[]): Promise<void> => {
    const { status, stderr } = await user.run(['slipway', 'convert', '-q', ...words], { cwd: directory });
    assert.equal(status, 0, stderr);
  };
  before(async () => {
    user = await acquireTestUser();
    directory = user.makeDirectory('forms');
    // The cache of images is root's alone.
    layout = join(directory, 'layout');
    await runOk(['cp', '-r', await realImage('busybox'), layout]);
    await runOk(['chmod', '-R', 'a+rX', layout]);
    await user.runOk(['umoci', 'unpack', '--rootless', '--image', `${layout}:latest`, join(directory, 'bundle')]);
    expected = withoutDev(listTree(join(directory, 'bundle/rootfs'), { owners: false, leavesOut: isLeftOut }));
  });

  test('an image becomes a directory of their own, without a word but about devices', async () => {
    const { status, stdout, stderr } = await user.run(['slipway', 'convert', '-q', 'oci:layout', 'rootfs'], {
      cwd: directory,
    });
    assert.equal(status, 0);
    assert.equal(stdout, '');
    assert.match(stderr, /^(?:warning: device files are left out[^\n]*\n)?(?:warning: set-user-ID[^\n]*\n)?$/);
    const rootfs = join(directory, 'rootfs');
    assert.equal(statSync(rootfs).uid, user.uid);
    assert.deepEqual(withoutDev(listTree(rootfs, { owners: false })), expected);
  });

  for (const form of [
    'busybox.sqfs',
    'busybox.tar.zst',
    'oci-archive:busybox.tar',
    'docker-archive:saved.tar:busybox:1',
  ]) {
    test(`an image becomes ${form}, with its owners, and a directory again`, async () => {
      await convert('oci:layout', form);
      const back = `back-${form.replaceAll(/[^a-z]+/g, '-')}`;
      await convert(form, back);
      assert.deepEqual(withoutDev(listTree(join(directory, back), { owners: false })), expected);
    });
  }

  test('owners are those of the image where the form keeps them', async () => {
    const squashfs = await runOk(['unsquashfs', '-lln', join(directory, 'busybox.sqfs')]);
    assert.match(squashfs, / 0\/0 +\d+ .* squashfs-root\/bin\n/);
    const tar = await runOk(['tar', '--numeric-owner', '-tvf', join(directory, 'busybox.tar.zst')]);
    assert.match(tar, /^d\S+ 0\/0 .* bin\/$/m);
  });

  test(
    'what they may not read is told by its name',
    { skip: isRoot() ? false : 'root: needs a file of another user' },
    async () => {
      await user.runOk(['mkdir', '-p', join(directory, 'private/etc')]);
      await runOk([
        'sh',
        '-c',
        `echo secret > ${directory}/private/etc/shadow && chmod 600 ${directory}/private/etc/shadow`,
      ]);
      const { status, stderr } = await user.run(['slipway', 'convert', './private', 'private.sqfs'], {
        cwd: directory,
      });
      assert.equal(status, 125);
      assert.match(stderr, /read directory .*private: "etc\/shadow": permission denied \(EACCES\)/);
      assert.equal(existsSync(join(directory, 'private.sqfs')), false);
    },
  );

  test('a directory that can not be written is refused before anything is read', async () => {
    const { status, stderr } = await user.run(['slipway', 'convert', 'oci:layout', '/usr/share/rootfs'], {
      cwd: directory,
    });
    assert.equal(status, 125);
    assert.match(stderr, /write in the directory \/usr\/share: permission denied/);
  });

  test('an end by a signal leaves nothing behind', async () => {
    const tree = join(directory, 'large');
    await user.runOk(['sh', '-c', `mkdir ${tree} && head -c 60000000 /dev/urandom > ${tree}/noise`]);
    for (const form of ['late.tar.xz', 'late.sqfs', 'oci:late-layout', 'late']) {
      const script = `slipway convert ./large ${form} & pid=$!; sleep 0.5; kill -INT $pid; wait $pid; echo $?`;
      const { stdout } = await user.run(['bash', '-c', `set -m; ${script}`], { cwd: directory });
      // On a fast machine it may have been done.
      assert.match(stdout, /^(?:130|0)$/m);
    }
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.startsWith('.slipway')),
      [],
    );
  });

  test('a squashfs that others wrote, compressed as they like', async () => {
    for (const compression of ['gzip', 'lz4', 'zstd', 'xz']) {
      const image = `by-${compression}.sqfs`;
      await user.runOk(['mksquashfs', 'rootfs', image, '-comp', compression, '-quiet', '-no-progress'], {
        cwd: directory,
      });
      await convert(image, `from-${compression}`);
      assert.deepEqual(withoutDev(listTree(join(directory, `from-${compression}`), { owners: false })), expected);
    }
  });
});

/** umoci makes device files into files for a user; a launch mounts over /dev anyway. */
function withoutDev(listing: ReturnType<typeof listTree>): ReturnType<typeof listTree> {
  return Object.fromEntries(Object.entries(listing).filter(([path]) => path !== 'dev' && !path.startsWith('dev/')));
}
