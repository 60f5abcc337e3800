// SPDX-License-Identifier: Apache-2.0
// The launcher built with the address and undefined-behaviour sanitizers: real launches with it end as with the one that
// is shipped. A wrong read or write would end it with status 99 and a report.
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { needs } from '../support/needs.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { imageCommands, makeImages } from '../run/images.ts';
import { buildIdentity, buildNative } from './build-native.ts';
import { sampleLaunches, seen } from './launches.ts';

/** The sanitizers' launcher, in a tree of its own with the same planner: the directory for PATH. */
async function sanitizedTree(user: TestUser): Promise<string> {
  const out = await buildNative('sanitized', buildIdentity(user.prefix));
  const tree = temporaryDirectory();
  mkdirSync(join(tree, 'bin'));
  copyFileSync(join(out, 'launcher-sanitized'), join(tree, 'bin/slipway'));
  for (const part of ['lib', 'libexec']) symlinkSync(join(user.prefix, part), join(tree, part));
  for (const path of ['.', 'bin', 'bin/slipway']) chmodSync(join(tree, path), 0o755);
  return join(tree, 'bin');
}

const skip = needs({ commands: [...imageCommands, 'gcc', 'make'], userNamespaces: true, fuse: true });

suite('the launcher with sanitizers', { skip }, async () => {
  const user = await acquireTestUser();
  const images = await makeImages(user);
  const path = `${await sanitizedTree(user)}:/usr/bin:/bin`;
  const sanitized = {
    PATH: path,
    // The stack may not be poisoned for ever by a child that shares it (vfork), and nothing is freed before an execve.
    ASAN_OPTIONS: 'detect_leaks=0:exitcode=99',
    UBSAN_OPTIONS: 'print_stacktrace=1:exitcode=99',
    SLURM_JOB_ID: 'sanitized',
  };
  const [, second] = sampleLaunches(user, images);
  assert.ok(second);

  test('is what runs', async () => {
    const { status, stdout, stderr } = await user.run(['slipway', 'run', ...second.words], {
      env: { ...sanitized, ASAN_OPTIONS: 'help=1' },
    });
    assert.deepEqual([status, /Available flags for AddressSanitizer/.test(stdout + stderr)], [0, true]);
  });

  test('does what the other does, planned and not, held and not', async () => {
    for (const { name, words } of sampleLaunches(user, images)) {
      const plain = seen(await user.run(['slipway', 'run', ...words], { env: { SLURM_JOB_ID: 'plain' } }));
      for (const round of ['first', 'again']) {
        const result = await user.run(['slipway', 'run', ...words], {
          env: { ...sanitized, XDG_RUNTIME_DIR: user.home },
        });
        assert.doesNotMatch(result.stderr, /Sanitizer|runtime error/, name);
        assert.deepEqual(seen(result), plain, `${name}, ${round}`);
      }
    }
  });

  test('says the same of wrong words and damaged plans', async () => {
    const runs: readonly (readonly string[])[] = [
      ['slipway'],
      ['slipway', '--no-such-option'],
      ['slipway', 'run'],
      ['slipway', 'run', '--no-such-option', 'x'],
      ['slipway', 'run', images.directory, ...Array.from({ length: 1500 }, (_, index) => `word-${index}`)],
    ];
    for (const argv of runs) {
      const plain = seen(await user.run(argv));
      assert.deepEqual(seen(await user.run(argv, { env: sanitized })), plain, argv.slice(0, 4).join(' '));
    }
    // Each plan cut short and changed in the middle: ignored, and made anew.
    const script = 'for plan in "$XDG_RUNTIME_DIR"/slipway/[px]-*; do "$@" "$plan"; done';
    for (const damage of [
      ['truncate', '-s', '-8'],
      ['sh', '-c', 'printf X | dd of="$1" bs=1 seek=100 conv=notrunc status=none', 'sh'],
      ['sh', '-c', 'cat /dev/null >"$1"', 'sh'],
      ['sh', '-c', 'head -c 1048576 /dev/zero >"$1"', 'sh'],
    ]) {
      await user.runOk(['sh', '-c', script, 'sh', ...damage]);
      const result = await user.run(['slipway', 'run', ...second.words], { env: { ...sanitized, SLIPWAY_TRACE: '1' } });
      assert.match(result.stderr, /plan [px]-[0-9a-f]+ ignored: it is/);
      assert.equal(result.status, 0, result.stderr);
    }
  });
});
