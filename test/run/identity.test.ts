// SPDX-License-Identifier: Apache-2.0
// Who the program is, inside and outside: ids, names, groups, ownership of what it writes.
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { run } from '../support/command.ts';
import { isRoot, needs } from '../support/needs.ts';
import { registryCommands, startRegistry } from '../support/registry.ts';
import { acquireTestUser } from '../support/user.ts';
import { imageCommands, makeImages, pullImage } from './images.ts';
import { launchOk } from './launch.ts';

const skip = needs({
  commands: [...imageCommands, ...registryCommands],
  userNamespaces: true,
  fuse: true,
});

suite('the identity of a program that slipway runs', { skip }, async () => {
  const user = await acquireTestUser();
  const local = await makeImages(user);
  const registry = await startRegistry();
  const pulled = await pullImage(local.directory, { registry, name: 'identity:1', config: {}, user });
  const images = [local.directory, local.squashfs, pulled];

  const show = ['--', 'sh', '-c', 'id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups'];
  /** What `show` says of a program that is `uid` and `gid` inside, with the ids that these are one level further out. */
  const shown = (uid: number, gid: number, outer: readonly [number, number]): string =>
    [uid, gid, `${uid} ${outer[0]} 1`, `${gid} ${outer[1]} 1`, 'deny', ''].join('\n');
  const spaced = (text: string): string => text.replaceAll(/^ +/gm, '').replaceAll(/ +/g, ' ');

  test('is the caller’s own by default', async () => {
    for (const image of images) {
      // What the squashfs's namespace calls 0 is the caller as well.
      const outer: readonly [number, number] = image === local.directory ? [user.uid, user.gid] : [0, 0];
      assert.equal(spaced(await launchOk(user, [image, ...show])), shown(user.uid, user.gid, outer));
    }
  });

  test('is what --uid and --gid say; outside it stays the caller', async () => {
    for (const image of images) {
      for (const [uid, gid] of [
        [0, 0],
        [1234, 77],
      ] as const) {
        const options = [`--uid=${uid}`, `--gid=${gid}`, image];
        const said = await launchOk(user, [
          ...options,
          '--',
          'sh',
          '-c',
          'id -u; id -g; touch ~/made; stat -c "%u %g" ~/made',
        ]);
        assert.equal(said, `${uid}\n${gid}\n${uid} ${gid}\n`);
        const made = statSync(join(user.home, 'made'));
        assert.deepEqual([made.uid, made.gid], [user.uid, user.gid]);
      }
    }
  });

  test('has a name: the caller’s comes first in passwd and group, the image’s own follow', async () => {
    for (const image of images) {
      const passwd = await launchOk(user, [image, '--', 'cat', '/etc/passwd']);
      assert.deepEqual(passwd.split('\n'), [
        `${user.name}:x:${user.uid}:${user.gid}::${user.home}:/bin/sh`,
        'root:x:0:0:root:/root:/bin/sh',
        'daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin',
        'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
        '',
      ]);
      const group = await launchOk(user, [image, '--', 'cat', '/etc/group']);
      assert.deepEqual(group.split('\n').slice(1), ['root:x:0:', 'daemon:x:1:', 'nogroup:x:65534:', '']);
      assert.match(group, new RegExp(`^[^:]+:x:${user.gid}:\n`));
      assert.equal(await launchOk(user, [image, '--', 'whoami']), `${user.name}\n`);
      assert.equal(
        await launchOk(user, ['--uid=0', '--gid=0', image, '--', 'sh', '-c', 'whoami; id -gn']),
        'root\nroot\n',
      );
    }
  });

  test('keeps the caller’s groups: what only they may read can be read', { skip: needs({ root: true }) }, async () => {
    const group = 54_321;
    const shared = user.makeDirectory('shared');
    chownSync(shared, 0, group);
    chmodSync(shared, 0o750);
    writeFileSync(join(shared, 'note'), 'for the group\n');
    const member = [
      'setpriv',
      `--reuid=${user.uid}`,
      `--regid=${user.gid}`,
      `--groups=${group}`,
      '--inh-caps=-all',
      '--',
    ];
    for (const image of images) {
      const words = ['slipway', 'run', image, '--', 'cat', join(shared, 'note')];
      const asMember = await run([...member, ...words], { env: user.env, cwd: user.home });
      assert.equal(asMember.stdout, 'for the group\n', asMember.stderr);
      // The plan of the member must not serve whoever is none.
      assert.equal((await user.run(words)).status, 1);
    }
  });

  test('is never more than the caller: files of others stay theirs, as root inside too', async () => {
    const others = isRoot() ? user.makeDirectory('others') : '/root';
    if (isRoot()) {
      chownSync(others, 0, 0);
      chmodSync(others, 0o700);
      mkdirSync(join(others, 'in'));
    }
    for (const image of images) {
      for (const ids of [[], ['--uid=0', '--gid=0']]) {
        const { status, stderr } = await user.run([
          'slipway',
          'run',
          '-v',
          `${others}:/mnt`,
          ...ids,
          image,
          '--',
          'ls',
          '/mnt',
        ]);
        assert.equal(status, 1);
        assert.match(stderr, /Permission denied/);
      }
    }
  });
});
