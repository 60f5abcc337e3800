// SPDX-License-Identifier: Apache-2.0
// The commands of sarus on a site's configuration: what they print, where images are, what a container has.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { CommandResult } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { pushImage, registryCommands, startRegistry } from '../support/registry.ts';
import { realImage } from '../support/images.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { makeSite, type Site } from './site.ts';

const skip = needs({ commands: [...registryCommands, 'umoci', 'mmdebstrap', 'squashfuse_ll'], root: true, fuse: true });

describe('sarus', { skip }, () => {
  let user: TestUser;
  let site: Site;
  const sarus = async (...words: readonly string[]): Promise<CommandResult> =>
    await user.run(['sarus', ...words], { env: { ...site.env, FROM_HOST: 'host', TWICE: 'host' } });
  const inside = async (...words: readonly string[]): Promise<string> => {
    const result = await sarus('run', ...words);
    assert.equal(result.status, 0, result.stderr);
    return result.stdout;
  };

  before(async () => {
    user = await acquireTestUser();
    site = makeSite(user, {
      siteMounts: [{ type: 'bind', source: '/usr/share', destination: '/site/share', flags: { readonly: '' } }],
      siteDevices: [{ source: '/dev/fuse', access: 'rw' }],
      environment: {
        set: { SITE: 'yes', TWICE: 'site' },
        prepend: { LISTED: '/first' },
        append: { LISTED: '/last' },
        unset: ['GONE'],
      },
      userMounts: { notAllowedPrefixesOfPath: ['/etc', '/var'], notAllowedPaths: ['/opt'] },
      defaultMPIType: 'mpich3',
    });
    await site.load('busybox', 'busybox');
  });

  it('pulls from a registry into Sarus’s repository, lists and removes', async () => {
    const registry = await startRegistry();
    const name = `${registry.address}/group/tool:1.2`;
    await pushImage({ layout: await realImage('busybox'), tag: 'latest' }, name);
    const pulled = await sarus('pull', name);
    assert.equal(pulled.status, 0, pulled.stderr);
    const lines = pulled.stdout.trim().split('\n');
    assert.deepEqual(
      lines.map((line) => /^# ([a-z ]+?) +: (.*)$/.exec(line)?.[1]),
      ['image', 'cache directory', 'temp directory', 'images directory', 'image digest'],
    );
    const repository = join(site.directory, 'repositories', user.name, '.sarus');
    const { images } = JSON.parse(readFileSync(join(repository, 'metadata.json'), 'utf8')) as {
      readonly images: readonly Readonly<Record<string, string>>[];
    };
    const image = images.find((each) => each['image'] === 'tool') ?? assert.fail('not listed');
    assert.deepEqual([image['namespace'], image['tag'], image['digest']], ['group', '1.2', '']);
    assert.ok(existsSync(image['imagePath'] ?? '') && existsSync(image['metadataPath'] ?? ''));
    const listed = await sarus('images', '--digests');
    assert.match(listed.stdout, /^REPOSITORY {3,}TAG {3,}DIGEST {3,}IMAGE ID {3,}CREATED {3,}SIZE {3,}SERVER\n/);
    assert.match(
      listed.stdout,
      /^group\/tool +1\.2 +sha256:[0-9a-f]{64} +[0-9a-f]{12} +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d +\d+\.\d\dMB /m,
    );
    assert.equal(await inside(name, 'echo', 'runs'), 'runs\n');
    const removed = await sarus('rmi', name);
    assert.deepEqual([removed.status, removed.stdout], [0, `removed ${name}\n`]);
    assert.equal((await sarus('run', name, 'true')).status, 1);
    assert.equal((await sarus('rmi', name)).status, 1);
  });

  it('gives the container the site’s mounts, devices and variables, and the person’s', async () => {
    const script =
      'echo $SITE $TWICE $FROM_HOST $LISTED "${GONE-unset}"; ls -d /site/share /dev/fuse; touch /site/share/x 2>&1; id -un; pwd';
    const said = await user.run(['sarus', 'run', 'busybox', 'sh', '-c', script], {
      env: { ...site.env, FROM_HOST: 'host', TWICE: 'host', LISTED: '/host', GONE: 'here' },
    });
    assert.deepEqual(
      said.stdout.split('\n').slice(0, 3),
      ['yes site host /first:/host:/last unset', '/dev/fuse', '/site/share'],
      said.stderr,
    );
    assert.match(said.stdout, new RegExp(`Read-only file system\n${user.name}\n/\n`));
    assert.equal(
      await inside(
        '-e',
        'TWICE=own',
        '-e',
        'FROM_HOST',
        '--env',
        'NEW=a=b',
        'busybox',
        'sh',
        '-c',
        'echo $TWICE $FROM_HOST $NEW',
      ),
      'own host a=b\n',
    );
    assert.equal(await inside('-w', '/usr', 'busybox', 'pwd'), '/usr\n');
    assert.equal(await inside('--entrypoint', 'echo a  b', 'busybox', 'c'), 'a b c\n');
    assert.equal(
      await inside('--pid=private', 'busybox', 'sh', '-c', 'ls -d /proc/[0-9]* | wc -l').then(
        (text) => Number(text) < 10,
      ),
      true,
    );
    assert.match(await inside('--device=/dev/fuse', 'busybox', 'ls', '/dev/fuse'), /fuse/);
    assert.equal((await sarus('run', 'busybox', 'sh', '-c', 'exit 7')).status, 7);
  });

  it('lets nobody mount where the site does not allow it, and writes nothing to the image', async () => {
    for (const target of ['/etc/x', '/var', '/opt', '/usr/../etc']) {
      const { status, stderr } = await sarus('run', `--mount=type=bind,src=/usr,dst=${target}`, 'busybox', 'true');
      assert.equal(status, 1, target);
      assert.match(stderr, /the site allows no mount/, target);
    }
    assert.equal(
      await inside('--mount=type=bind,src=/usr/share,dst=/opt/own,readonly', 'busybox', 'ls', '-d', '/opt/own/doc'),
      '/opt/own/doc\n',
    );
    for (const target of ['/bin/../srv/x', '/none/../srv/x', '/dev/../srv/x', '/var//./srv/../../srv/x']) {
      const mount = `--mount=type=bind,src=/usr/share,dst=${target}`;
      assert.equal(await inside(mount, 'busybox', 'ls', '-d', '/srv/x/doc'), '/srv/x/doc\n', target);
    }
    assert.equal(await inside('busybox', 'sh', '-c', 'echo x >/written && cat /written'), 'x\n');
    assert.equal(await inside('busybox', 'sh', '-c', 'ls /written 2>/dev/null || echo none'), 'none\n');
  });

  it('mounts an image once for all ranks, though each writes for itself', async () => {
    const script = 'echo $1 >/own; : >/all/$1; until [ -e /all/$((1 - $1)) ]; do sleep 0.1; done; cat /own; ls /all';
    const all = join(user.home, 'all');
    await user.runOk(['mkdir', all]);
    const rank = `sarus run --mount=type=bind,src=${all},dst=/all busybox sh -c '${script}' sh`;
    const { status, stdout, stderr } = await user.run(['sh', '-c', `${rank} 0 & ${rank} 1; wait`], {
      env: { ...site.env, SLIPWAY_TRACE: '1' },
    });
    assert.equal(status, 0, stderr);
    assert.deepEqual(stdout.split('\n').toSorted(), ['', '0', '0', '0', '1', '1', '1'], stderr);
    assert.equal(stderr.match(/starting holder/g)?.length, 1, stderr);
    assert.equal(stderr.match(/joined holder/g)?.length, 2, stderr);
  });

  it('says what is wrong with words, with status 1', async () => {
    const cases: readonly (readonly string[])[] = [
      ['run'],
      ['run', '--nosuch', 'busybox'],
      ['run', '-w', 'rel', 'busybox'],
      ['run', '-w', '/', '-w', '/', 'busybox'],
      ['run', '--annotation=', 'busybox', 'true'],
      ['run', '--annotation==x', 'busybox', 'true'],
      ['run', '--mpi-type=', 'busybox', 'true'],
      ['run', '--ssh', '--pid=host', 'busybox', 'true'],
      ['run', '--device=/etc/passwd', 'busybox', 'true'],
      ['run', '--centralized-repository', 'busybox', 'true'],
      ['run', 'a/../b', 'true'],
      ['images', 'extra'],
      ['nosuch'],
      ['load', '/nowhere', 'x'],
    ];
    for (const words of cases) {
      const { status, stderr } = await sarus(...words);
      assert.deepEqual([status, stderr.startsWith('sarus')], [1, true], `${words.join(' ')}: ${stderr}`);
    }
    assert.match((await sarus('version')).stdout, /^\d+\.\d+\.\d+\n$/);
  });

  it('shows hooks, refuses files that are none, and explains where each mount comes from', async () => {
    const path = site.writeHook('10-mounts', {
      version: '1.0.0',
      hook: {
        path: '/opt/sarus/bin/mount_hook',
        args: ['mount_hook', '--mount=type=bind,src=/usr/share,dst=/by/hook'],
      },
      when: { annotations: { '^com.test$': '^yes$' } },
      stages: ['createContainer'],
    });
    assert.match(
      (await sarus('hooks')).stdout,
      /^NAME {3,}PATH {3,}STAGES\n10-mounts +\/opt\/sarus\/bin\/mount_hook +createContainer\n/,
    );
    const explained = await sarus('explain', 'run', '--annotation=com.test=yes', 'busybox', 'true');
    const line =
      readFileSync(path, 'utf8')
        .split('\n')
        .findIndex((text) => text.includes('/by/hook')) + 1;
    assert.ok(explained.stdout.includes(`[${path}:${line}]`), explained.stdout);
    assert.match(explained.stdout, new RegExp(`/site/share.*\\[${join(site.directory, 'sarus.json')}:\\d+\\]`));
    assert.equal(await inside('--annotation=com.test=yes', 'busybox', 'ls', '-d', '/by/hook/doc'), '/by/hook/doc\n');
    const broken = site.writeHook('30-broken', '{');
    assert.match(
      (await sarus('run', 'busybox', 'true')).stderr,
      new RegExp(`read the hook configuration ${broken}: it is not JSON`),
    );
    site.writeHook('30-broken', {
      version: '1.0.0',
      hook: { path: '/a/mount_hook' },
      when: { always: false },
      stages: [],
    });
    assert.equal((await sarus('run', 'busybox', 'true')).status, 0);
  });
});
