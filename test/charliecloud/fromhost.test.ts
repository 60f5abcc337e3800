// SPDX-License-Identifier: Apache-2.0
// `ch-fromhost` on a real image with a real ldconfig: what the manual's examples do, that an injection is whole or not
// there, that it can be taken back, and the parts for GPUs and Cray on trees of the same shape as theirs.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type CommandResult, run } from '../support/command.ts';
import { realImage } from '../support/images.ts';
import { isRoot, needs } from '../support/needs.ts';
import { acquireTestUser, type UserCommandOptions } from '../support/user.ts';

const skip = needs({
  commands: ['mmdebstrap', 'umoci', 'setpriv', 'gcc', 'readelf', 'unshare'],
  userNamespaces: true,
  fuse: true,
});

suite('ch-fromhost', { skip }, async () => {
  const layout = await realImage('debian-openmpi');
  const user = await acquireTestUser();
  const shell = (script: string): Promise<string> => user.runOk(['sh', '-euc', script]);
  await shell(`slipway convert --to directory oci:${layout} plain >/dev/null 2>&1; touch plain/etc/passwd plain/etc/group
    mkdir -p host/usr/lib64 host/bin host/etc; cp /usr/bin/env host/bin/bar; echo quux > host/etc/quux
    printf 'int foo(void) { return 1; }' > foo.c; gcc -shared -fPIC -Wl,-soname,libfoo.so.1 -o host/usr/lib64/libfoo.so.1.2 foo.c
    ln -s libfoo.so.1.2 host/usr/lib64/libfoo.so
    printf '%s\\n%s\\n\\n' "$HOME/host/bin/bar" "$HOME/host/usr/lib64/libfoo.so.1.2" > qux.txt
    slipway convert --to squashfs ./plain plain.sqfs >/dev/null 2>&1`);
  const fresh = async (): Promise<void> => {
    await shell('rm -rf baz; cp -a plain baz; mkdir baz/corge; ch-run -w ./baz -- /sbin/ldconfig 2>/dev/null');
  };
  const fromhost = (words: readonly string[], options?: UserCommandOptions): Promise<CommandResult> =>
    user.run(['ch-fromhost', ...words], options);
  /** What is in the image: names, types, modes, links, contents; without the cache, which says when it was made. */
  const state = (): Promise<string> =>
    shell(`cd baz; find . -printf '%P %y %m %l\\n' | sort
      find . -type f ! -name aux-cache ! -perm 000 -exec sha256sum {} + | sort -k2`);

  const bar = `${user.home}/host/bin/bar`;
  const foo = `${user.home}/host/usr/lib64/libfoo.so.1.2`;
  const quux = `${user.home}/host/etc/quux`;
  const cached = (): Promise<string> => shell('ch-run ./baz -- /sbin/ldconfig -p | grep libfoo || :');

  for (const [name, words] of [
    ['--file', ['--file', 'qux.txt', 'baz']],
    ['--cmd', ['--cmd', 'cat qux.txt', 'baz']],
    ['--path', ['--path', bar, 'baz', '--path', foo]],
  ] as const) {
    test(`${name}: programs and libraries go where their paths say`, async () => {
      await fresh();
      const before = await state();
      const result = await fromhost(words);
      assert.equal(result.status, 0, result.stderr);
      assert.equal(result.stdout, '');
      const [directory] = /^shared library destination: (.*)$/m.exec(result.stderr)?.slice(1) ?? [];
      assert.ok(directory);
      for (const line of [
        `  ${bar} -> /usr/bin (inferred)`,
        `  ${foo} -> ${directory} (inferred)`,
        'injecting into image: baz',
        'running ldconfig',
        `found shared library: ${foo}`,
      ]) {
        assert.ok(result.stderr.split('\n').includes(line), `${line}\nnot in\n${result.stderr}`);
      }
      assert.equal(await shell('ch-run ./baz -- bar echo hi'), 'hi\n');
      assert.match(await cached(), /libfoo\.so\.1 /);
      assert.equal((await fromhost(['--undo', 'baz'])).status, 0);
      assert.equal(await state(), before);
      assert.equal(await cached(), '');
    });
  }

  test('what fails says why, once, with status 1', async () => {
    await fresh();
    await shell(
      'rm -rf locked; mkdir -m 0555 locked; mkdir -p bare/dev bare/proc bare/sys bare/tmp bare/etc; touch bare/etc/passwd bare/etc/group',
    );
    for (const [words, stderr] of [
      [['-p', '/nosuch/bin/x', 'baz'], /^ch-fromhost: cannot inject: \/nosuch\/bin\/x: no such file or directory$/m],
      [['-p', '/usr/bin', 'baz'], /^ch-fromhost: cannot inject: \/usr\/bin: it is a directory$/m],
      [['-f', 'nosuch', 'baz'], /^ch-fromhost: cannot read file: nosuch: no such file$/m],
      [['-f', '/etc', 'baz'], /^ch-fromhost: cannot read file: \/etc: illegal operation on a directory$/m],
      [['-c', 'nosuch x', 'baz'], /^ch-fromhost: command failed: nosuch x: there is no program nosuch in PATH$/m],
      [['-c', 'ls /nosuch', 'baz'], /^ls: .*\nch-fromhost: command failed: ls \/nosuch$/m],
      [['-p', bar, 'locked'], /^ch-fromhost: cannot change image: locked: permission denied$/m],
      [['--lib-path', 'bare'], /^ch-run\[\d+\]: error: .*\/sbin\/ldconfig.*\nch-fromhost: empty path from ldconfig$/m],
    ] as const) {
      const result = await fromhost(words);
      assert.equal(result.status, 1, words.join(' '));
      assert.match(result.stderr, stderr);
      assert.doesNotMatch(result.stderr, /running ldconfig/);
    }
  });

  test('--dest is for the files behind it', async () => {
    await fresh();
    const result = await fromhost(['--dest', '/corge', '--file', 'qux.txt', '--dest', '/etc', '--path', quux, 'baz']);
    assert.equal(result.status, 0, result.stderr);
    assert.equal(await shell('cd baz; ls corge; cat etc/quux'), 'bar\nlibfoo.so.1.2\nquux\n');
    assert.equal(await cached(), '');
    assert.equal((await fromhost(['-p', quux, '-d', '/etc', 'baz'])).status, 1);
  });

  test('an error leaves the image as it was, whichever file it is about', async () => {
    await fresh();
    const before = await state();
    for (const words of [
      ['-p', bar, '-p', quux, 'baz'],
      ['-p', bar, '-d', '/etc', '-p', '/nosuch', 'baz'],
      ['-p', bar, '-p', foo, '-d', '/nosuch', '-p', quux, 'baz'],
      ['-p', bar, '-d', 'etc', '-p', quux, 'baz'],
      ['-p', bar, '-d', '/etc', '-p', '/bin', 'baz'],
      ['-d', '/etc/passwd', '-p', bar, 'baz'],
    ]) {
      const { status, stderr } = await fromhost(words);
      assert.equal(status, 1, stderr);
      assert.equal(await state(), before, words.join(' '));
    }
  });

  test('so does an ldconfig that fails, and an injection that was cut off is taken back by the next', async () => {
    await fresh();
    await shell(
      'cd baz; mv sbin/ldconfig sbin/real 2>/dev/null || mv usr/sbin/ldconfig usr/sbin/real; p=$(dirname $(ls sbin/real usr/sbin/real 2>/dev/null | head -1)); printf \'#!/bin/sh\\n[ "$1" = -Nv ] && exec $0.d/../real -Nv\\nexit 3\\n\' > "$p/ldconfig"; sed -i "s,\\$0.d/../,/$p/," "$p/ldconfig"; chmod 755 "$p/ldconfig"',
    );
    const before = await state();
    assert.match((await fromhost(['-p', bar, '-p', foo, 'baz'])).stderr, /ldconfig error/);
    assert.equal(await state(), before);
    // As a crash between two steps leaves it.
    assert.equal((await fromhost(['-d', '/etc', '-p', quux, 'baz'])).status, 0);
    await shell('sed -i s/done/begun/ baz/ch/fromhost/0001/journal.json');
    assert.equal((await fromhost(['--no-ldconfig', '-d', '/corge', '-p', bar, 'baz'])).status, 0);
    assert.equal(await shell('ls baz/corge; ls baz/etc/quux 2>/dev/null || :'), 'bar\n');
  });

  test('--dry-run and --lib-path change nothing', async () => {
    await fresh();
    const before = await state();
    const dry = await fromhost(['--dry-run', '-p', bar, '-p', foo, 'baz']);
    assert.match(dry.stderr, /host\/bin\/bar -> \/usr\/bin \(inferred\)\n.*nothing was done/s);
    const printed = await fromhost(['--lib-path', 'baz']);
    assert.match(printed.stdout, /^\/\S+\n$/);
    assert.equal(await state(), before);
  });

  test('a link in the image leads to its own files, never to the host', async () => {
    await fresh();
    await shell('mkdir outside; ln -s "$HOME/outside" baz/trap; ln -s /etc baz/inside');
    assert.equal((await fromhost(['-d', '/trap', '-p', quux, 'baz'])).status, 1);
    assert.equal((await fromhost(['-d', '/inside', '-p', quux, 'baz'])).status, 0);
    assert.equal(await shell('ls outside; cat baz/etc/quux'), 'quux\n');
  });

  test('a squashfs image is replaced by a new one, and back', async () => {
    await shell('cp plain.sqfs baz.sqfs');
    const result = await fromhost(['-p', bar, '-p', foo, 'baz.sqfs']);
    assert.equal(result.status, 0, result.stderr);
    assert.equal(await shell('ch-run baz.sqfs -- bar echo hi'), 'hi\n');
    assert.match(await shell('ch-run baz.sqfs -- /sbin/ldconfig -p'), /libfoo\.so\.1 /);
    assert.equal((await fromhost(['--undo', 'baz.sqfs'])).status, 0);
    assert.equal(await shell('ch-run baz.sqfs -- sh -c "command -v bar || echo gone"'), 'gone\n');
    assert.equal((await fromhost(['-p', quux, 'baz.sqfs'])).status, 1);
    assert.equal(await shell('ls -A | grep -c slipway || :'), '0\n');
  });

  suite('GPUs', () => {
    const libraries = ['libcuda.so.535.1', 'libnvidia-ml.so.535.1'];
    const fakeDriver = `mkdir -p gpu/usr/lib64 gpu/usr/bin; cp /usr/bin/env gpu/usr/bin/nvidia-smi
      for l in ${libraries.join(' ')}; do gcc -shared -fPIC -Wl,-soname,\${l%.535.1}.1 -o gpu/usr/lib64/$l foo.c; done`;

    test('by nvidia-container-cli', async () => {
      await shell(fakeDriver);
      await fresh();
      await shell(
        `mkdir -p tools; printf '#!/bin/sh\\nls -d ${user.home}/gpu/usr/*/*\\n' > tools/nvidia-container-cli; chmod 755 tools/*`,
      );
      const result = await fromhost(['--nvidia', 'baz'], { env: { PATH: `${user.home}/tools:${user.env['PATH']}` } });
      assert.equal(result.status, 0, result.stderr);
      assert.match(result.stderr, /gpu\/usr\/bin\/nvidia-smi -> \/usr\/bin \(inferred\)/);
      assert.equal(await shell('ch-run ./baz -- nvidia-smi echo hi'), 'hi\n');
      assert.equal(
        await shell('ch-run ./baz -- /sbin/ldconfig -p | grep -c -e libcuda.so.1 -e libnvidia-ml.so.1'),
        '2\n',
      );
    });

    test('by CDI, and by names that are known', { skip: isRoot() ? false : 'root: mounts over /etc' }, async () => {
      await shell(fakeDriver);
      const spec = {
        cdiVersion: '0.5.0',
        kind: 'nvidia.com/gpu',
        devices: [{ name: 'all', containerEdits: { deviceNodes: [{ path: '/dev/null' }] } }],
        containerEdits: {
          mounts: ['bin/nvidia-smi', ...libraries.map((name) => `lib64/${name}`)].map((path) => ({
            hostPath: `${user.home}/gpu/usr/${path}`,
            containerPath: `/usr/${path}`,
          })),
        },
      };
      await shell(`cat > spec.json <<'X'\n${JSON.stringify(spec)}\nX`);
      await fresh();
      // Where both are there, the specification counts, and not the tool that came before it.
      await shell(
        `mkdir -p old; printf '#!/bin/sh\necho /nowhere/bin/old\n' > old/nvidia-container-cli; chmod 755 old/*`,
      );
      const cdi = await onHost(
        `mkdir -p /etc/cdi; cp ${user.home}/spec.json /etc/cdi/nvidia.json`,
        ['--nvidia', 'baz'],
        { PATH: `${user.home}/old:${user.env['PATH'] ?? ''}` },
      );
      assert.equal(cdi.status, 0, cdi.stderr);
      assert.match(cdi.stderr, /nvidia-smi -> \/usr\/bin/);
      assert.match(await shell('ch-run ./baz -- /sbin/ldconfig -p'), /libcuda\.so\.1 /);
      await fresh();
      const known = await onHost(
        `mkdir -p /opt/driver; cp ${user.home}/gpu/usr/lib64/* /opt/driver; echo /opt/driver > /etc/ld.so.conf.d/gpu.conf; /sbin/ldconfig`,
        ['--nvidia', 'baz'],
      );
      assert.equal(known.status, 0, known.stderr);
      assert.match(known.stderr, /\/opt\/driver\/libcuda\.so\.535\.1 -> /);
      assert.match(await shell('ch-run ./baz -- /sbin/ldconfig -p'), /libnvidia-ml\.so\.1 /);
    });

    test('without any, nothing is done', async () => {
      await fresh();
      const { status, stderr } = await fromhost(['--nvidia', 'baz']);
      assert.equal(status, 1);
      assert.match(stderr, /^ch-fromhost: nvidia-container-cli failed.*does this host have GPUs\?/);
    });
  });

  /** Runs ch-fromhost where /etc and /opt can be changed by `script` without the machine noticing. */
  const onHost = async (
    script: string,
    words: readonly string[],
    env: Record<string, string> = {},
  ): Promise<CommandResult> => {
    const upper = `${user.temporaryDirectory}/over`;
    const overlay = `rm -rf ${upper}; mkdir -p ${upper}; mount -t tmpfs none ${upper}; for d in etc opt; do mkdir -p ${upper}/$d.u ${upper}/$d.w
      mount -t overlay none -o lowerdir=/$d,upperdir=${upper}/$d.u,workdir=${upper}/$d.w /$d; done
      ${script}
      cd ${user.home}; exec "$@"`;
    return await run(
      [
        'unshare',
        '-m',
        '--propagation',
        'private',
        'sh',
        '-euc',
        overlay,
        'sh',
        ...user.command(['ch-fromhost', ...words]),
      ],
      {
        env: { ...user.env, ...env },
      },
    );
  };

  suite('Cray', { skip: isRoot() ? false : 'root: mounts over /etc and /opt' }, () => {
    const release =
      'mkdir -p /etc/opt/cray/release /etc/opt/cray/wlm_detect; touch /etc/opt/cray/release/cle-release; echo SLURM > /etc/opt/cray/wlm_detect/active_wlm';
    const mpirun = (said: string): Promise<string> =>
      shell(
        `rm -f baz/usr/bin/mpirun; printf '#!/bin/sh\\necho ${said}\\n' > baz/usr/bin/mpirun; chmod 755 baz/usr/bin/mpirun`,
      );

    test('is not there', async () => {
      await fresh();
      const { status, stderr } = await fromhost(['--cray-mpi', 'baz']);
      assert.equal(status, 1);
      assert.match(stderr, /not found: \/etc\/opt\/cray\/release\/cle-release: are you on a Cray\?/);
    });

    test('no MPI in the image, no module loaded', async () => {
      await fresh();
      await mpirun('nothing');
      assert.match((await onHost(release, ['--cray-mpi', 'baz'])).stderr, /can't find MPI in image/);
      await mpirun('mpich');
      assert.match((await onHost(release, ['--cray-mpi', 'baz'])).stderr, /CRAY_MPICH_DIR not set/);
      await mpirun('Open MPI');
      assert.match((await onHost(release, ['--cray-mpi', 'baz'])).stderr, /MPIHOME not set/);
    });

    test('MPICH', { skip: needs({ commands: ['patchelf'] }) }, async () => {
      await fresh();
      await mpirun('mpich version');
      const before = await state();
      const tree = `${release}; m=/opt/cray/pe/mpich; mkdir -p $m/lib /opt/cray/alps/default/lib64 /opt/cray/wlm_detect/default/lib64
        gcc -shared -fPIC -Wl,-soname,libdep.so.1 -o /opt/cray/pe/libdep.so.1 ${user.home}/foo.c
        gcc -shared -fPIC -Wl,--no-as-needed,-rpath,/opt/cray/pe,-soname,libmpi.so.12.7 -o $m/lib/libmpi.so.12 ${user.home}/foo.c /opt/cray/pe/libdep.so.1
        cp /opt/cray/pe/libdep.so.1 /opt/cray/alps/default/lib64/libalpsutil.so.0.0.0`;
      const result = await onHost(tree, ['--cray-mpi', 'baz'], { CRAY_MPICH_DIR: '/opt/cray/pe/mpich' });
      assert.equal(result.status, 0, result.stderr);
      const [place = ''] = /^shared library destination: (.*)$/m.exec(result.stderr)?.slice(1) ?? [];
      const soname = await shell(`readelf -d baz${place}/libmpi.so.12 | grep SONAME; readlink baz${place}/libmpi.so`);
      assert.match(soname, /\[libmpi\.so\.12\]\n\S*libmpi\.so\.12\n/);
      assert.equal(
        await shell(`cat baz/etc/opt/cray/wlm_detect/active_wlm; ls -d baz/var/opt/cray/alps/spool`),
        'SLURM\nbaz/var/opt/cray/alps/spool\n',
      );
      assert.match(result.stderr, /libdep\.so\.1 -> .*\n.*libalpsutil\.so\.0\.0\.0 -> /);
      assert.equal((await fromhost(['--undo', 'baz'])).status, 0);
      assert.equal(await state(), before);
    });

    test('Open MPI', async () => {
      await fresh();
      await mpirun('mpirun: Open MPI 4');
      const tree = `${release}; mkdir -p /opt/ompi/lib; gcc -shared -fPIC -Wl,-soname,libmpi.so.40 -o /opt/ompi/lib/libmpi.so ${user.home}/foo.c`;
      const result = await onHost(tree, ['--cray-mpi', 'baz'], { MPIHOME: '/opt/ompi' });
      assert.equal(result.status, 0, result.stderr);
      assert.match(result.stderr, /  rm -f .*libmpi\.so\.40/);
      assert.match(result.stderr, /  rm -f .*libopen-pal\.so/);
      assert.match(await shell('ch-run ./baz -- /sbin/ldconfig -p'), /libmpi\.so\.40 /);
      assert.doesNotMatch(await shell('ch-run ./baz -- /sbin/ldconfig -p'), /libopen-pal/);
    });

    test('libfabric: a provider beside it, a library in its place', async () => {
      await fresh();
      await shell(`d=$(dirname $(ch-run ./baz -- /sbin/ldconfig -p | sed -n 's/.*=> //p' | grep /libc.so | head -1)); gcc -shared -fPIC -Wl,-soname,libfabric.so.1 -o baz$d/libfabric.so.1 foo.c; ch-run -w ./baz -- /sbin/ldconfig 2>/dev/null
        mkdir -p ofi/lib; gcc -shared -fPIC -o ofi/lib/libgnix-fi.so foo.c host/usr/lib64/libfoo.so.1.2 -Wl,--no-as-needed,-rpath,$HOME/host/usr/lib64; cp baz$d/libfabric.so.1 ofi/lib/libfabric.so`);
      assert.match((await fromhost(['--cray-gni', 'baz'])).stderr, /CH_FROMHOST_OFI_GNI is not set/);
      const gni = await fromhost(['--cray-gni', 'baz'], {
        env: { CH_FROMHOST_OFI_GNI: `${user.home}/ofi/lib/libgnix-fi.so` },
      });
      assert.equal(gni.status, 0, gni.stderr);
      const place = (await fromhost(['--print-fi', 'baz'])).stdout.trim();
      assert.match(place, /\/libfabric$/);
      assert.equal(await shell(`ls baz${place}`), 'libgnix-fi.so\n');
      assert.ok((await shell('cat baz/etc/ld.so.conf.d/ch-ofi.conf')).length > 0);
      const cxi = await fromhost(['--cray-cxi', 'baz'], {
        env: { CH_FROMHOST_OFI_CXI: `${user.home}/ofi/lib/libfabric.so` },
      });
      assert.equal(cxi.status, 0, cxi.stderr);
      assert.equal((await fromhost(['--print-cray-fi', 'baz'])).stdout, `${place.replace('/libfabric', '')}\n`);
    });
  });
});
