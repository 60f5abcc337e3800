// SPDX-License-Identifier: Apache-2.0
// The launcher as on kernels that lack the newer system calls: each launch ends as it does on this one. old-kernel.c
// answers as those kernels would have; what they can do but this one can't is not shown.
import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { suite, test } from 'node:test';
import { runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acquireTestUser } from '../support/user.ts';
import { imageCommands, makeImages } from '../run/images.ts';
import { readTrace } from '../run/launch.ts';
import { sampleLaunches, seen } from './launches.ts';

const skip = needs({ commands: [...imageCommands, 'gcc'], userNamespaces: true, fuse: true });

suite('the launcher on older kernels', { skip }, async () => {
  const user = await acquireTestUser();
  const images = await makeImages(user);
  const launches = sampleLaunches(user, images);
  const tools = temporaryDirectory();
  const oldKernel = join(tools, 'old-kernel');
  const source = resolve(import.meta.dirname, 'old-kernel.c');
  await runOk(['gcc', '-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-o', oldKernel, source]);
  await runOk(['chmod', '-R', 'a+rx', tools]);

  /** A holder made by one kernel must not serve another: they are told apart by the job. */
  const inJob = (version: string): { readonly env: Readonly<Record<string, string>> } => ({
    env: { SLURM_JOB_ID: version, SLIPWAY_TRACE: '1' },
  });
  const on = (version: string, words: readonly string[]): readonly string[] => [
    oldKernel,
    version,
    'slipway',
    'run',
    ...words,
  ];

  test('is really told that the calls are missing', async () => {
    const script = 'import os; os.pidfd_open(os.getpid())';
    const { stderr } = await user.run([oldKernel, '4.18', 'python3', '-c', script]);
    assert.match(stderr, /Errno 38/);
    await user.runOk([oldKernel, '5.3', 'python3', '-c', script]);
  });

  // The floor; with pidfds; with the mount API but not openat2; without mount_setattr; the last without SO_PEERPIDFD.
  for (const version of ['4.18', '5.3', '5.7', '5.10', '6.4']) {
    test(`does the same on Linux ${version}`, async () => {
      for (const { name, words, hasOverlay } of launches) {
        if (hasOverlay && version === '4.18') continue;
        const expected = seen(await user.run(['slipway', 'run', ...words], inJob('now')));
        const actual = seen(await user.run(on(version, words), inJob(version)));
        assert.deepEqual(actual, expected, name);
      }
    });
  }

  test('shows the whole machine, and not itself, where that is asked for', async () => {
    for (const version of ['4.18', '6.4']) {
      for (const image of [images.directory, images.squashfs]) {
        const words = ['-v', '/:/mnt:ro', image, '--', 'ls', '/mnt/etc/passwd', '/mnt/work/note'];
        const { stdout } = await user.run(on(version, words), inJob(version));
        assert.equal(stdout, '/mnt/etc/passwd\n');
      }
    }
  });

  test('says on Linux 4.18 that users can’t have overlays there', async () => {
    for (const { words, hasOverlay } of launches) {
      if (!hasOverlay) continue;
      const result = await user.run(on('4.18', words), inJob('4.18'));
      assert.equal(result.status, 125);
      assert.match(
        readTrace(result).said,
        /make a tmpfs for the overlay: .*ENOSYS[^]*overlays for users need Linux 5\.11/,
      );
    }
  });

  test('shares one mount between ranks on each of them', async () => {
    for (const version of ['4.18', '5.7', '6.4']) {
      const env = { SLURM_JOB_ID: `ranks-${version}`, SLIPWAY_TRACE: '1' };
      const ranks = await Promise.all(
        Array.from({ length: 6 }, () =>
          user.run(on(version, [images.squashfs, '--', 'stat', '-c', '%d', '/']), { env }),
        ),
      );
      assert.deepEqual([...new Set(ranks.map(({ status }) => status))], [0]);
      assert.equal(new Set(ranks.map(({ stdout }) => stdout)).size, 1, 'all see the same device');
      assert.equal(ranks.filter((rank) => readTrace(rank).holder === 'started').length, 1);
    }
  });
});
