// SPDX-License-Identifier: Apache-2.0
// `slipway bundle`: the same program with the same result by slipway, runc and crun; and `slipway doctor mpi`.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { runtimeWords } from '../hooks/containers.ts';
import { run, runOk } from '../support/command.ts';
import { realImage } from '../support/images.ts';
import { needs } from '../support/needs.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';

const skip = needs({
  commands: ['runc', 'crun', 'umoci', 'mmdebstrap', 'squashfuse_ll', 'mpichversion'],
  root: true,
  fuse: true,
});

describe('slipway bundle', { skip }, () => {
  let user: TestUser;
  let image: string;
  before(async () => {
    user = await acquireTestUser();
    image = join(user.home, 'busybox.squashfs');
    await user.runOk(['slipway', 'convert', `oci:${await realImage('busybox')}:latest`, image]);
  });

  const script =
    'id -u; pwd; echo "$A:$SLIPWAY_IMAGE"; cat /data/note; touch /data/x 2>&1; touch /x 2>&1; ls -d /proc/self /dev/null /tmp';
  const words = (data: string, of = image): readonly string[] => [
    '-e',
    'A=b',
    '-v',
    `${data}:/data:ro`,
    '--workdir=/bin',
    of,
    '--',
    'sh',
    '-c',
    script,
  ];

  it('is run by runc and crun as slipway runs it, by root', async () => {
    const data = temporaryDirectory();
    await runOk(['sh', '-c', `echo note >${data}/note`]);
    const env = { PATH: `${user.prefix}/bin:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: '/root', TERM: 'dumb' };
    const own = join(data, 'image.squashfs');
    await runOk(['cp', image, own]);
    const expected = await run(['slipway', 'run', ...words(data, own)], { env, cwd: '/' });
    assert.equal(expected.status, 0, expected.stderr);
    const bundle = join(temporaryDirectory(), 'bundle');
    await runOk(['slipway', 'bundle', bundle, 'run', ...words(data, own)], { env, cwd: '/' });
    assert.ok(existsSync(join(bundle, 'rootfs/bin/busybox')));
    for (const runtime of ['runc', 'crun'] as const) {
      const argv = await runtimeWords[runtime](temporaryDirectory(), `slipway-bundle-${process.pid}`);
      const { status, stdout, stderr } = await run(argv, { cwd: bundle });
      assert.deepEqual([status, stdout], [0, expected.stdout], `${runtime}: ${stderr}`);
    }
  });

  it('is rootless for an ordinary user', async () => {
    const data = user.makeDirectory('data');
    await user.runOk(['sh', '-c', `echo note >${data}/note`]);
    const bundle = join(user.home, 'bundle');
    await user.runOk(['slipway', 'bundle', bundle, 'run', ...words(data)]);
    const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) as {
      readonly linux: {
        readonly uidMappings: readonly object[];
        readonly namespaces: readonly { readonly type: string }[];
      };
    };
    assert.deepEqual(config.linux.uidMappings, [{ containerID: user.uid, hostID: user.uid, size: 1 }]);
    assert.ok(config.linux.namespaces.some(({ type }) => type === 'user'));
    const again = await user.run(['slipway', 'bundle', bundle, 'run', ...words(data)]);
    assert.equal(again.status, 2);
    assert.match(again.stderr, /is there already/);
  });
});

describe('slipway doctor mpi', { skip }, () => {
  it('tells library by library what would be replaced, and why not', async () => {
    const user = await acquireTestUser();
    const made = async (name: 'bullseye-mpich' | 'busybox'): Promise<string> => {
      const path = join(user.home, `${name}.squashfs`);
      await user.runOk(['slipway', 'convert', `oci:${await realImage(name)}:latest`, path]);
      return path;
    };
    const yes = await user.run(['slipway', 'doctor', 'mpi', await made('bullseye-mpich')]);
    assert.equal(yes.status, 0, yes.stderr);
    assert.match(
      yes.stdout,
      /libmpich\.so\.12 \(12\.2\.\d+\): takes the place of \/usr\/lib\/\S+\/libmpich\.so\.12\.1\.10 \(12\.1\.10\)/,
    );
    assert.match(yes.stdout, /C library: the image's 2\.31 is older than the host's/);
    const no = await user.run(['slipway', 'doctor', 'mpi', await made('busybox')]);
    assert.equal(no.status, 1);
    assert.match(no.stdout, /no: the image has none of the host's MPI libraries/);
  });
});
