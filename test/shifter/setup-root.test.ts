// SPDX-License-Identifier: Apache-2.0
// Root prepares a container for a user's tasks, and takes it away; in a mount namespace of the test's own, so that what
// would be left behind is seen, and harms nobody.
import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { type CommandResult, run, runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { sshdCommands } from '../support/sshd.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { copyTree, makeSite, maker, noXfs, siteCommands, type TestSite } from './site.ts';

const skip = needs({
  commands: [...siteCommands, ...sshdCommands, 'ip', 'losetup', 'patchelf', 'pgrep', 'unshare'],
  root: true,
  userNamespaces: true,
  loopSquashfs: true,
});

describe('setupRoot', { skip }, () => {
  let user: TestUser;
  let site: TestSite;

  /** Runs a script as root in mounts of its own: $setup prepares for the user, $unsetup takes away, `as_user` runs as him. */
  const script = async (
    text: string,
    env: Readonly<Record<string, string>> = {},
    namespaces: readonly string[] = [],
  ): Promise<CommandResult> => {
    const bin = `${user.prefix}/bin`;
    const as = user
      .command([])
      .map((word) => `'${word}'`)
      .join(' ');
    const given = Object.entries({ ...user.env, ...site.env })
      .map(([name, value]) => `'${name}=${value}'`)
      .join(' ');
    const head = [
      'mount -t tmpfs -o mode=755 none /run',
      `setup() { ${bin}/setupRoot -c ${site.configPath} -U ${user.uid} -G ${user.gid} -u ${user.name} "$@"; }`,
      `unsetup() { ${bin}/unsetupRoot -c ${site.configPath}; }`,
      `as_user() { (cd ${user.home} && env -i ${given} ${as} "$@"); }`,
      `mounts() { grep -c " ${site.udiMount}" /proc/self/mountinfo || true; }`,
      `loops() { losetup --noheadings --output BACK-FILE | grep -c '^${site.imagePath}/' || true; }`,
    ];
    return await run(['unshare', '--mount', ...namespaces, '--', 'sh', '-c', [...head, text].join('\n')], {
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', ...env },
    });
  };
  const said = async (text: string, env?: Readonly<Record<string, string>>): Promise<string> => {
    const result = await script(text, env);
    assert.equal(result.status, 0, `${result.stdout}${result.stderr}`);
    return result.stdout.trim();
  };

  before(async () => {
    user = await acquireTestUser();
    site = makeSite([user]);
    await site.addImage('img', { real: 'busybox' }, [
      'ENV: PATH=/usr/bin:/bin',
      'ENV: FOO=bar',
      "ENTRY: ['/bin/echo', 'entry']",
    ]);
    await site.addImage('foreign', { real: 'busybox' }, [], true);
    await site.addImage('imported', { real: 'busybox' }, ['USER: somebody']);
    await site.addImage('closed', { real: 'busybox' }, [`USERACL: ${user.uid + 1}`]);
    await site.addImage('private', { real: 'busybox' }, [`USERACL: ${user.uid}`]);
    for (const suffix of ['squashfs', 'meta']) chmodSync(join(site.imagePath, `private.${suffix}`), 0o600);
    writeFileSync(join(site.directory, 'share/file'), 'shared\n');
    await runOk(['ssh-keygen', '-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', join(site.directory, 'key')]);
  });

  it('mounts the image once by the kernel, and shifter enters it without mounting anything', async () => {
    const text = await said(`
      setup -N "n1/2 n2/1" id img && cat ${site.udiMount}/var/shifterConfig.json && loops
      as_user shifter --image=id:img sh -c 'id -u; echo $FOO; cat /var/hostsfile; touch /x 2>/dev/null || echo closed; echo x > /dev/null && echo device'
      as_user shifter sh -c 'echo $SHIFTER_IMAGE'
      as_user shifter --image=id:img --entrypoint
      loops; unsetup; mounts; loops; ls -d /run/slipway-shifter 2>/dev/null || echo gone`);
    assert.equal(
      text,
      [
        `{"identifier":"img","user":"${user.name}","volMap":"","modules":""}`,
        '1',
        String(user.uid),
        'bar\nn1\nn1\nn2\nclosed\ndevice\nimg\nentry\n1\n0\n0\ngone',
      ].join('\n'),
    );
  });

  it('is entered hot: no planner, no image server', async () => {
    const text = await said(`
      setup id img
      as_user env SLIPWAY_TRACE=1 shifter --image=id:img true 2>&1 | grep -c planning
      as_user env SLIPWAY_TRACE=1 shifter --image=id:img true 2>&1 | grep -c -e planning -e 'starting holder' -e squashfuse
      unsetup`);
    assert.equal(text, '1\n0');
  });

  it('gives a call with other options a container of its own', async () => {
    site.configure(`siteFs=${site.directory}/share:/share`, 'module_m_siteEnv=M=1');
    const text = await said(`
      setup -v /share:/data -m m id img
      as_user shifter --image=id:img -V /share:/data -m m sh -c 'cat /data/file; echo $M ${maker}'
      as_user shifter --image=id:img sh -c 'cat /data/file 2>/dev/null || echo none; cat /var/shifterConfig.json; echo ${maker}'
      unsetup`);
    assert.equal(
      text,
      `shared\n1 root\nnone\n{"identifier":"img","user":"${user.name}","volMap":"","modules":""}\nuser`,
    );
    site.configure();
  });

  it('lets a user run, in his job, what is private to the service and names him', async () => {
    assert.equal(await said('setup id private && as_user shifter --image=id:private echo in; unsetup'), 'in');
    const refused = await script('as_user shifter --image=id:private echo in');
    assert.deepEqual([refused.status, refused.stdout], [1, '']);
  });

  it('refuses what it must not mount, and leaves nothing', async () => {
    for (const [words, reason] of [
      ['id foreign', /has not made this image itself/],
      ['id imported', /has not made this image itself/],
      ['id closed', /neither you nor a group of yours/],
      ['id nosuch', /there is no/],
      ['docker img', /neither id nor local/],
      ['id ../img', /an identity has letters/],
      [`local ${site.directory}`, /does not allow directories/],
      ['-v /tmp:/etc/x id img', /nothing of yours can be mounted in/],
      ['-v /tmp:/mnt:perNodeCache=size=1g id img', /this site has no perNodeCachePath/],
      ['-N "n1;x/2" id img', /is not HOST/],
      ['-s "ssh-rsa x command=y" id img', /no public key of OpenSSH/],
      ['-s - id img </dev/null', /standard input has no secret/],
      [`-s "$(cat ${site.directory}/key.pub)" id img`, /there is no optUdiImage\/sbin\/sshd/],
      ['-u root id img', /not whom the site knows/],
      ['-U 0 id img', /root runs nothing/],
    ] as const) {
      const result = await script(`setup ${words}; status=$?; mounts; loops; exit $status`);
      assert.equal(result.status, 1, words);
      assert.match(result.stderr, reason);
      assert.equal(result.stdout, '0\n0\n', words);
    }
  });

  it('refuses an image that others than the service can have changed', async () => {
    const image = join(site.imagePath, 'img.squashfs');
    chownSync(image, user.uid, 0);
    assert.match((await script('setup id img')).stderr, /belongs to uid/);
    chownSync(image, 0, 0);
    chmodSync(image, 0o664);
    assert.match((await script('setup id img')).stderr, /others than the image service can write/);
    chmodSync(image, 0o644);
    chmodSync(site.imagePath, 0o777);
    assert.match((await script('setup id img')).stderr, /others than the image service can write/);
    chmodSync(site.imagePath, 0o755);
  });

  it('refuses where a container is, and for anyone but root', async () => {
    const twice = await script('setup id img && setup id img; status=$?; unsetup; mounts; exit $status');
    assert.deepEqual([twice.status, twice.stdout], [1, '0\n']);
    assert.match(twice.stderr, /another container is there/);
    for (const command of ['setupRoot', 'unsetupRoot']) {
      const result = await user.run([
        command,
        '-c',
        site.configPath,
        ...(command === 'setupRoot' ? ['id', 'img'] : []),
      ]);
      assert.equal(result.status, 1);
      assert.match(result.stderr, /only root can/);
    }
  });

  it(
    'makes a cache of the job’s own on the node, in a file without a name, as large as the site allows',
    { skip: noXfs },
    async () => {
      const caches = join(site.directory, 'caches');
      site.configure(
        `perNodeCachePath=${caches}`,
        'perNodeCacheSizeLimit=400m',
        'perNodeCacheAllowedFsType=xfs',
        'mkfsXfsPath=/sbin/mkfs.xfs',
      );
      const wish = '/none:/cache:perNodeCache=size=320m';
      const enter = `as_user shifter --image=id:img -V ${wish}`;
      const text = await said(`
      setup -v ${wish} id img && ls -A ${caches} | wc -l
      ${enter} sh -c 'echo kept > /cache/file; stat -c "%U %a" /cache; df -m /cache | awk "NR==2 && \\$2 > 200 && \\$2 <= 320 {print \\"sized\\"}"; grep -c " /cache xfs rw,nosuid,nodev" /proc/mounts'
      ${enter} cat /cache/file
      unsetup; mounts; grep -c slipway-shifter /proc/self/mountinfo || true
      caches() { losetup --noheadings --output BACK-FILE | grep -c ${caches} || true; }
      for i in $(seq 100); do [ "$(caches)" = 0 ] && break; sleep 0.1; done; caches; ls -A ${caches} | wc -l`);
      assert.equal(text, `0\n${user.name} 755\nsized\n1\nkept\n0\n0\n0\n0`);
      const refused = await user.run(['shifter', '--image=id:img', '-V', wish, 'true'], { env: site.env });
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /only root can mount.*\n.*hint: submit a job/);
      for (const [size, reason] of [
        ['1g', /are more than the site's limit/],
        ['1m', /make a cache for \/cache in \/.*: ./],
      ] as const) {
        const result = await script(
          `setup -v /none:/cache:perNodeCache=size=${size} id img; status=$?; mounts; ls -A ${caches} | wc -l; exit $status`,
        );
        assert.deepEqual([result.status, result.stdout], [1, '0\n0\n'], size);
        assert.match(result.stderr, reason);
      }
      site.configure();
    },
  );

  it("runs the site's hooks and a module's roothook as root, in the layer and with no variables", async () => {
    const say = (name: string): string =>
      site.write(
        `${name}.sh`,
        `mkdir -p global; { echo ${name} $(id -u) $PWD; env | grep -v -e ^PWD= -e ^SHLVL= -e ^_=; } > global/${name}\n`,
        0o755,
      );
    site.configure(
      `sitePreMountHook=${say('pre')}`,
      `sitePostMountHook=${say('post')}`,
      `module_m_roothook=${say('module')}`,
      `module_off_roothook=${site.write('off.sh', 'exit 9\n', 0o755)}`,
    );
    const text = await said(`
      setup -m m id img
      as_user shifter --image=id:img -m m cat /global/pre /global/post /global/module
      unsetup; mounts`);
    assert.deepEqual(text.replaceAll(/\/\S*slipway-layer-\w+/g, 'LAYER').split('\n'), [
      ...['pre', 'post', 'module'].flatMap((name) => [`${name} 0 LAYER`, 'PATH=/usr/bin:/usr/sbin:/bin:/sbin']),
      '0',
    ]);
    const failed = await script('setup -m off id img; status=$?; mounts; loops; exit $status');
    assert.deepEqual([failed.status, failed.stdout], [1, '0\n0\n']);
    assert.match(failed.stderr, /module_off_roothook .*: it ended with status 9/);
    chmodSync(join(site.directory, 'pre.sh'), 0o777);
    assert.match((await script('setup id img')).stderr, /sitePreMountHook .*others than root can write it/);
    site.configure();
  });

  it('prepares a directory as an image, where the site allows directories', async () => {
    const tree = await copyTree('busybox');
    chmodSync(join(tree, '..'), 0o755);
    writeFileSync(join(tree, 'mark'), 'of the tree\n');
    site.configure('allowLocalChroot=1');
    const text = await said(`
      setup local ${tree}
      as_user shifter --image=local:${tree} sh -c 'cat /mark /var/shifterConfig.json; echo ${maker}'
      unsetup; mounts`);
    assert.equal(text, `of the tree\n{"identifier":"${tree}","user":"${user.name}","volMap":"","modules":""}\nroot\n0`);
    site.configure();
  });

  it('prepares no directory that a user can not enter, or can lead elsewhere', async () => {
    site.configure('allowLocalChroot=1');
    const closed = join(site.write('closed/in/file', 'secret\n'), '..');
    chmodSync(join(closed, '..'), 0o700);
    await user.runOk(['ln', '-s', closed, 'link']);
    symlinkSync(closed, join(site.directory, 'link'));
    for (const [directory, reason] of [
      [closed, /closed is not open to everyone/],
      [user.home, /belongs to uid/],
      [join(user.home, 'link'), /link is no directory/],
      [join(site.directory, 'link'), /link is no directory/],
    ] as const) {
      const result = await script(`setup local ${directory}; status=$?; mounts; exit $status`);
      assert.deepEqual([result.status, result.stdout], [1, '0\n'], directory);
      assert.match(result.stderr, reason);
    }
    site.configure();
  });

  it('follows no path of a user as root, however he changes it', async () => {
    const secret = site.write('secret/of-root', 'secret\n', 0o600);
    chmodSync(join(secret, '..'), 0o700);
    site.configure(`siteFs=${join(user.home, '..')};${site.directory}`);
    await user.runOk(['sh', '-c', 'mkdir mine; echo mine > mine/file; ln -sfn mine turned']);
    const enter = `as_user shifter --image=id:img -V ${user.home}/turned:/data`;
    const text = await said(`
      setup -v ${user.home}/turned:/data id img; grep -c ' ${site.udiMount}/data .*${user.home}' /proc/self/mountinfo
      ${enter} cat /data/file
      for to in ${site.directory}/secret ../../../../../../..${site.directory}/secret; do
        as_user ln -sfn $to ${user.home}/turned
        ${enter} cat /data/of-root 2>/dev/null || echo closed
      done
      unsetup; mounts`);
    assert.equal(text, '0\nmine\nclosed\nclosed\n0');
    site.configure();
  });

  it("starts an sshd for a key of the user's own, as the site's sshd_config would have it", async () => {
    const udiImage = join(site.directory, 'udi');
    await runOk([join(user.prefix, 'bin/slipway'), 'inject', 'prepare-sshd', udiImage]);
    site.write(
      'udi/etc/sshd_config',
      'Port 2204\nAllowUsers ToBeReplaced\nHostKey /opt/udiImage/etc/ssh_host_dsa_key\nBanner /etc/hostname\n',
    );
    site.configure(`optUdiImage=${udiImage}`, `siteFs=${join(user.home, '..')}`);
    await user.runOk(
      ['sh', '-c', 'mkdir -m 700 .udiRoot && cat > .udiRoot/id_rsa.key && chmod 600 .udiRoot/id_rsa.key'],
      {
        input: readFileSync(join(site.directory, 'key')),
      },
    );
    const enter = `as_user shifter --image=id:img sh -c "ssh -q n1 'cat /var/shifterConfig.json; echo \\$SSH_CONNECTION' </dev/null"`;
    const result = await script(
      `hostname n1; printf '127.0.0.1 localhost n1\\n' > /run/hosts; mount --bind /run/hosts /etc/hosts; ip link set lo up
       setup -N n1/1 -s "$(cat ${site.directory}/key.pub)" id img && ${enter}; status=$?; unsetup; mounts; pgrep -u ${user.name} sshd; exit $status`,
      {},
      ['--net', '--uts'],
    );
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, /^\{"identifier":"img".*\}\n127.0.0.1 \d+ 127.0.0.1 2204\n0\n$/);
    site.configure();
  });

  it('leaves nothing mounted when it is killed at any time, and unsetupRoot is content with nothing', async () => {
    for (const [words, delay] of [
      ['setup id img & pid=$!', '0.05'],
      ['setup id img & pid=$!', '0.1'],
      ['setup id img & pid=$!', '0.2'],
      ['setup id img & pid=$!', '0.3'],
      ['setup id img; unsetup & pid=$!', '0.05'],
      ['setup id img; unsetup & pid=$!', '0.15'],
    ] as const) {
      const text = await said(`
        ${words}; sleep ${delay}; kill -9 $pid; wait 2>/dev/null
        unsetup; echo $?; mounts
        # The kernel takes the mounts of a process that was killed away in its own time.
        for i in $(seq 100); do [ "$(loops)" = 0 ] && break; sleep 0.1; done; loops`);
      assert.match(text, /^0\n0\n0$/m, `${words} ${delay}`);
    }
  });

  it('leads no mount out of a hostile image', async () => {
    const tree = await copyTree('busybox');
    const outside = temporaryDirectory();
    chmodSync(outside, 0o755);
    await runOk(['rm', '-rf', join(tree, 'tmp'), join(tree, 'var'), join(tree, 'dev'), join(tree, 'opt')]);
    for (const name of ['tmp', 'var', 'dev', 'opt']) symlinkSync(`../../../../..${outside}`, join(tree, name));
    symlinkSync(outside, join(tree, 'global'));
    await site.addImage('hostile', { tree });
    site.configure(`siteFs=${site.directory}/share:/global/share`);
    const text = await said(`
      setup id hostile || exit 1
      grep -c ' ${outside}' /proc/self/mountinfo || true
      as_user shifter --image=id:hostile sh -c 'cat /global/share/file; ls /var/shifterConfig.json'
      unsetup`);
    assert.equal(text, '0\nshared\n/var/shifterConfig.json');
    site.configure();
  });

  it('takes nothing from a hostile environment', async () => {
    const trap = temporaryDirectory();
    chmodSync(trap, 0o755);
    const mark = join(trap, 'mark');
    const bait = `#!/bin/sh\ntouch ${mark}\n`;
    for (const name of ['node', 'mount', 'umount', 'getent', 'sh', 'true', 'squashfuse_ll']) {
      writeFileSync(join(trap, name), bait, { mode: 0o755 });
    }
    writeFileSync(join(trap, 'bait.cjs'), `require('node:fs').writeFileSync('${mark}', '')\n`);
    const hook = site.write('pre.sh', 'env > environment\n', 0o755);
    site.configure(`sitePreMountHook=${hook}`);
    const text = await said(
      `export PATH=${trap}:$PATH IFS=/; unset IFS; setup id img && cat ${site.udiMount}/environment; unsetup`,
      {
        NODE_OPTIONS: `--require=${trap}/bait.cjs`,
        NODE_PATH: trap,
        LD_PRELOAD: `${trap}/bait.so`,
        LD_LIBRARY_PATH: trap,
        BASH_ENV: `${trap}/sh`,
        ENV: `${trap}/sh`,
        XDG_RUNTIME_DIR: trap,
        SLIPWAY_UDIROOT_CONF: `${trap}/udiRoot.conf`,
        SLIPWAY_STORE: trap,
      },
    );
    assert.equal(existsSync(mark), false);
    assert.doesNotMatch(text, /LD_|NODE|XDG|SHIFTER|SLIPWAY|ENV=/);
    assert.match(text, /^PATH=\/usr\/bin:\/usr\/sbin:\/bin:\/sbin$/m);
    site.configure();
    assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(site.udiMount));
  });
});
