// SPDX-License-Identifier: Apache-2.0
// `shifter` as users call it: images, programs, variables, directories, volumes; without a job and without privilege.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { CommandResult } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { onEnd } from '../support/on-end.ts';
import { acquireTestUser, type TestUser, type UserCommandOptions } from '../support/user.ts';
import { copyTree, makeSite, siteCommands, type TestSite } from './site.ts';

const skip = needs({ commands: siteCommands, root: true, userNamespaces: true, fuse: true });

describe('shifter', { skip }, () => {
  let user: TestUser;
  let site: TestSite;

  const shifter = async (words: readonly string[], options: UserCommandOptions = {}): Promise<CommandResult> =>
    await user.run(['shifter', ...words], { ...options, env: { ...site.env, ...options.env } });
  const said = async (words: readonly string[], options: UserCommandOptions = {}): Promise<string> => {
    const result = await shifter(words, options);
    assert.equal(result.status, 0, result.stderr);
    return result.stdout.trimEnd();
  };
  const refused = async (words: readonly string[], reason: RegExp, options: UserCommandOptions = {}): Promise<void> => {
    const result = await shifter(words, options);
    assert.equal(result.status, 1, result.stdout);
    assert.match(result.stderr, reason);
    assert.equal(result.stdout, '');
  };

  before(async () => {
    user = await acquireTestUser();
    site = makeSite([user]);
    const image = { real: 'busybox' } as const;
    await site.addImage('aaa', image, [
      'ENV: PATH=/usr/bin:/bin',
      'ENV: FROM_IMAGE=image',
      'ENV: EMPTY=',
      "ENTRY: ['/bin/echo', 'entry']",
      'CMD: ["cmd", "it\'s"]',
      'WORKDIR: /usr/share',
    ]);
    await site.addImage('bbb', image);
    await site.addImage('closed', image, [`USERACL: ${user.uid + 1}`, `GROUPACL: ${user.gid + 1}`]);
    await site.addImage('open', image, [`USERACL: ${user.uid + 1},${user.uid}`]);
  });

  it('runs a program of an image by its identity, and hands on its status', async () => {
    assert.equal((await shifter(['--image=id:aaa', 'sh', '-c', 'exit 37'])).status, 37);
    assert.match(await said(['-i', 'id:aaa', 'cat', '/etc/os-release']), /Debian/);
  });

  it('ends with 127 and says which command it could not start', async () => {
    for (const command of ['nosuch', '/etc/passwd', '/etc']) {
      const result = await shifter(['--image=id:aaa', command]);
      assert.equal(result.status, 127);
      assert.match(result.stderr, new RegExp(command));
    }
  });

  it('looks names up by the site’s shifterimg, and believes its first line without a colon', async () => {
    site.write(
      'bin/shifterimg',
      '#!/bin/sh\n[ "$1 $2" = "lookup docker:thing:1" ] || exit 1\necho WARNING: x\necho aaa\n',
      0o755,
    );
    assert.equal(
      await said(['--image=thing:1', 'sh', '-c', 'echo $SHIFTER_IMAGEREQUEST $SHIFTER_IMAGE']),
      'thing:1 aaa',
    );
    await refused(['--image=docker:other:1', 'true'], /look up docker:other:1/);
  });

  it('takes the image from variables of the batch system', async () => {
    const env = { SLURM_SPANK_SHIFTER_IMAGETYPE: 'id', SLURM_SPANK_SHIFTER_IMAGE: 'aaa' };
    assert.equal(await said(['sh', '-c', 'echo $SHIFTER_IMAGE'], { env }), 'aaa');
    assert.equal(await said(['sh', '-c', 'echo $SHIFTER_IMAGE'], { env: { ...env, SHIFTER: 'id:bbb' } }), 'bbb');
    await refused(['true'], /no image was named/);
  });

  it('chooses the program by command, entry point and the shell', async () => {
    assert.equal(await said(['--image=id:aaa', '--entrypoint']), "entry cmd it's");
    assert.equal(await said(['--image=id:aaa', '--entrypoint', 'x', 'y']), 'entry x y');
    assert.equal(await said(['--image=id:aaa', '--entry=/bin/basename', '/a/b']), 'b');
    assert.equal(await said(['--image=id:aaa'], { input: 'echo from the shell\n' }), 'from the shell');
    await refused(['--image=id:bbb', '--entrypoint'], /no entry point/);
  });

  it('starts where asked, else where the caller is, else in / with a word about it', async () => {
    assert.equal(await said(['--image=id:aaa', 'pwd']), user.home);
    assert.equal(await said(['--image=id:aaa', '-w', 'pwd']), '/usr/share');
    assert.equal(await said(['--image=id:aaa', '--workdir=/bin', 'pwd']), '/bin');
    await refused(['--image=id:bbb', '-w', 'pwd'], /no working directory/);
    const lost = await shifter(['--image=id:aaa', '--workdir=/no/such', 'pwd']);
    assert.deepEqual([lost.status, lost.stdout], [0, '/\n']);
    assert.match(lost.stderr, /working directory \/no\/such/);
  });

  it('sets variables in order, the later ones winning, and lets none of the host’s loader through', async () => {
    const file = join(user.home, 'variables');
    await user.runOk([
      'sh',
      '-c',
      'printf "# note\\n\\nFROM_FILE=file\\nBOTH=file\\nQUOTED=\\"x\\"\\n" > "$1"',
      'sh',
      file,
    ]);
    const text = await said(
      [
        '--image=id:aaa',
        `--env-file=${file}`,
        '--env=BOTH=option',
        '-e',
        'FROM_IMAGE=option',
        'sh',
        '-c',
        'env | sort',
      ],
      {
        env: {
          OWN: 'caller',
          FROM_IMAGE: 'caller',
          EMPTY: 'caller',
          LD_PRELOAD: '/x.so',
          LD_LIBRARY_PATH: '/x',
          GLIBC_TUNABLES: 'x',
        },
      },
    );
    for (const line of [
      'OWN=caller',
      'FROM_IMAGE=option',
      'FROM_FILE=file',
      'BOTH=option',
      'QUOTED="x"',
      'EMPTY=caller',
      'SHIFTER_IMAGE=aaa',
    ]) {
      assert.ok(text.split('\n').includes(line), `${line}\n${text}`);
    }
    assert.doesNotMatch(text, /^(LD_|GLIBC_|TMPDIR)/m);
    const cleared = await said(['--image=id:aaa', '--clearenv', '-e', 'A=b', 'sh', '-c', 'env | sort'], {
      env: { OWN: 'x' },
    });
    assert.doesNotMatch(cleared, /^(OWN|HOME|USER)=/m);
    assert.match(cleared, /^A=b$/m);
    await user.runOk(['sh', '-c', 'echo BAD= > "$1"', 'sh', file]);
    await refused(['--image=id:aaa', `--env-file=${file}`, 'true'], /BAD=/);
  });

  it('is the interpreter of a script', async () => {
    const script = join(user.home, 'script');
    await user.runOk(['sh', '-c', 'cat > script && chmod 755 script'], {
      input: `#!${user.prefix}/bin/shifter /bin/sh\necho "$1 in $SHIFTER_IMAGE"\n`,
    });
    const env = { ...site.env, SHIFTER: 'id:bbb' };
    assert.equal(await user.runOk([script, 'word'], { env }), 'word in bbb\n');
  });

  it('gives the image’s list of users as the reason, and runs what it allows', async () => {
    await refused(['--image=id:closed', 'true'], /neither you nor a group of yours/);
    assert.equal(await said(['--image=id:open', 'echo', 'in']), 'in');
  });

  it('does not run a file that is private to the service', async () => {
    await site.addImage('private', { real: 'busybox' });
    chmodSync(join(site.imagePath, 'private.squashfs'), 0o600);
    await refused(['--image=id:private', 'true'], /private to the image service/);
  });

  it('takes a directory as an image only where the site allows it', async () => {
    await refused([`--image=local:${site.directory}`, 'true'], /does not allow directories/);
    site.configure('allowLocalChroot=1');
    const tree = await copyTree('busybox');
    chmodSync(join(tree, '..'), 0o755);
    const config = await said([`--image=local:${tree}`, 'cat', '/var/shifterConfig.json']);
    assert.ok(config.startsWith(`{"identifier":"${tree}"`), config);
    site.configure();
  });

  it('shows users, groups and the container’s own configuration', async () => {
    assert.equal(
      await said(['--image=id:aaa', 'cat', '/var/shifterConfig.json']),
      `{"identifier":"aaa","user":"${user.name}","volMap":"","modules":""}`,
    );
    assert.equal(await said(['--image=id:aaa', 'id', '-un']), user.name);
    assert.equal(
      await said(['--image=id:aaa', 'cat', '/etc/group']),
      `site:x:5000:\n${user.name}:x:${user.gid}:${user.name}`,
    );
    assert.match(await said(['--image=id:aaa', 'cat', '/etc/group.orig']), /^root:x:0:/);
    assert.equal(await said(['--image=id:aaa', 'readlink', '/etc/mtab']), '/proc/mounts');
    assert.equal(
      await said(['--image=id:aaa', 'ls', '/var/spool', '/var/run', '/var/empty', '/etc/ssh']),
      '/etc/ssh:\n\n/var/empty:\n\n/var/run:\n\n/var/spool:',
    );
  });

  it('makes users and groups itself where the site wants that', async () => {
    site.configure('populateEtcDynamically=1', 'allowLibcPwdCalls=1', 'usersToImport=daemon');
    const text = await said([
      '--image=id:aaa',
      'cat',
      '/etc/passwd',
      '/etc/group',
      '/etc/nsswitch.conf',
      '/etc/host.conf',
    ]);
    assert.match(text, new RegExp(`^${user.name}:x:${user.uid}:`, 'm'));
    assert.match(text, /^daemon:x:1:1:/m);
    assert.match(text, new RegExp(`^${user.name}:x:${user.gid}:${user.name}$`, 'm'));
    assert.match(text, /^hosts: files dns$/m);
    assert.match(text, /^order bind,hosts$/m);
    site.configure();
  });

  it('refuses root, and users that the site does not know', async () => {
    site.write('etc/passwd', 'other:x:12345:12345::/:/bin/sh\n');
    await refused(['--image=id:aaa', 'true'], /has nobody with this uid/);
    site.configure('allowLibcPwdCalls=1');
    assert.equal(await said(['--image=id:aaa', 'echo', 'in']), 'in');
    site.write('etc/passwd', `${user.name}:x:${user.uid}:${user.gid}::${user.home}:/bin/sh\n`);
    site.configure();
  });

  it('believes no configuration but root’s', async () => {
    chmodSync(site.configPath, 0o666);
    await refused(['--image=id:aaa', 'true'], /others than root can write it/);
    site.configure();
    site.configure('allowEverything=1');
    await refused(['--image=id:aaa', 'true'], /there is no such key/);
    site.configure();
  });

  it('mounts directories of the container elsewhere, also where the image has none', async () => {
    mkdirSync(join(site.directory, 'share/data'), { recursive: true });
    writeFileSync(join(site.directory, 'share/data/file'), 'shared\n');
    site.configure(`siteFs=${site.directory}/share:/global/share`);
    const read = await said([
      '--image=id:aaa',
      '-V',
      '/global/share/data:/new/place;/usr/share:/data:ro',
      'sh',
      '-c',
      'cat /new/place/file; ls -d /data/*; cat /var/shifterConfig.json',
    ]);
    assert.match(read, /^shared\n\/data\//);
    assert.match(read, /"volMap":"\/global\/share\/data:\/new\/place;\/usr\/share:\/data:ro"/);
    const own = await said([
      '--image=id:aaa',
      `--volume=${user.home}:/mine/`,
      'sh',
      '-c',
      'echo x > /mine/made; cat /mine/made',
    ]);
    assert.equal(own, 'x');
    const closed = await shifter(['--image=id:aaa', `--volume=${user.home}:/mine:ro`, 'touch', '/mine/y']);
    assert.notEqual(closed.status, 0);
    await refused(['--image=id:aaa', '-V', '/no/such:/data', 'true'], /it is no directory in the container/);
    await refused(['--image=id:aaa', '-V', `${user.home}:/etc/x`, 'true'], /nothing of yours can be mounted in \/etc/);
    await refused(
      ['--image=id:aaa', '-V', `${user.home}:/c:perNodeCache=size=1g`, 'true'],
      /this site has no perNodeCachePath/,
    );
    site.configure();
  });

  it('shows nothing of the machine to a hostile image, whatever its links lead to', async () => {
    const tree = await copyTree('busybox');
    // Not below /tmp, which containers show.
    const outside = mkdtempSync('/run/slipway-test-');
    onEnd(() => rmSync(outside, { recursive: true }));
    chmodSync(outside, 0o755);
    writeFileSync(join(outside, 'file'), 'of the machine\n');
    const names = ['tmp', 'var', 'dev', 'proc', 'opt', 'global', 'etc/group', 'etc/ssh', 'etc/udiImage'];
    for (const name of names) {
      rmSync(join(tree, name), { recursive: true, force: true });
      symlinkSync(`../../../../..${outside}`, join(tree, name));
    }
    await site.addImage('hostile', { tree }, ['ENV: PATH=/bin', 'ENV: LD_PRELOAD=/evil.so', 'ENV: NODE_OPTIONS=--x']);
    site.configure(`siteFs=${site.directory}/share:/global/share`);
    const words = ['--image=id:hostile', '-V', '/global/share:/opt/data', 'sh', '-c'];
    const script =
      'ls /global /opt /var/shifterConfig.json; cat /etc/group; touch /opt/x /var/x /etc/x 2>/dev/null || echo closed; echo x > /dev/null && echo device';
    const seen = await said([...words, script]);
    assert.match(seen, /^\/var\/shifterConfig\.json$/m);
    assert.match(seen, new RegExp(`^${user.name}:x:${user.gid}:`, 'm'));
    assert.match(seen, /^closed\ndevice$/m);
    assert.doesNotMatch(seen, /^file$/m);
    assert.deepEqual(readdirSync(outside), ['file']);
    // FROM of a volume is a path of the container, links and all.
    for (const from of ['/linked', '/global/share/linked']) {
      symlinkSync(outside, join(from === '/linked' ? tree : join(site.directory, 'share'), 'linked'));
      const closed = await shifter(['--image=id:hostile', '-V', `${from}:/data`, 'cat', '/data/file']);
      assert.notEqual(closed.status, 0);
      assert.equal(closed.stdout, '');
    }
    site.configure();
  });

  it('starts hot without a planner, until the site changes its mind', async () => {
    const trace = { env: { SLIPWAY_TRACE: '1' } };
    const words = ['--image=id:bbb', 'sh', '-c', 'true'];
    await shifter(words, trace);
    assert.doesNotMatch((await shifter(words, trace)).stderr, /no plan holds/);
    site.configure('siteEnv=NEW=1');
    assert.match((await shifter(words, trace)).stderr, /no plan holds/);
    assert.equal(await said(['--image=id:bbb', 'sh', '-c', 'echo $NEW']), '1');
    site.configure();
  });

  it('shows help, and short words for a wrong option', async () => {
    assert.match(await said(['--help']), /--image/);
    await refused(['--nosuch', 'true'], /unrecognized option/);
  });
});
