// SPDX-License-Identifier: Apache-2.0
// An image that changes while it is launched: a directory on the way to a mount point is exchanged with a link that
// leads out, and back, without end. Whichever a launch meets, nothing outside the image changes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { suite, test } from 'node:test';
import type { Step } from '../../src/model/index.ts';
import { runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acquireTestUser } from '../support/user.ts';
import { imageCommands, makeImages } from '../run/images.ts';
import { ownNamespaces, planKeeper } from './own-plans.ts';
import { snapshot } from './snapshot.ts';

const skip = needs({ commands: [...imageCommands, 'gcc'], userNamespaces: true, fuse: true, kernel: '5.11' });
const launchesOfEach = 500;

suite('an image that changes while it is launched', { skip }, async () => {
  const user = await acquireTestUser();
  const { directory: image } = await makeImages(user);
  const plans = planKeeper(user);
  const tools = temporaryDirectory();
  for (const name of ['swapper', 'old-kernel']) {
    const source = resolve(import.meta.dirname, `${name}.c`);
    await runOk(['gcc', '-std=c11', '-D_GNU_SOURCE', '-O1', '-Wall', '-Wextra', '-o', join(tools, name), source]);
  }
  await runOk(['chmod', '-R', 'a+rx', tools]);
  const outside = user.makeDirectory('outside');
  // A launch that follows the link finds out there all that it finds in here.
  const furnish = 'mkdir -p "$1/inner"; echo kept >"$1/inner/file"';
  await user.runOk(['sh', '-c', furnish, 'sh', outside]);
  await user.runOk(['sh', '-c', furnish, 'sh', join(image, 'swap')]);
  await user.runOk(['ln', '-s', outside, join(image, 'swap-link')]);
  await user.runOk(['sh', '-c', 'mkdir data; echo one >data/file']);
  const data = join(user.home, 'data');

  const root = (readOnly: boolean): Step => ({
    step: 'root-directory',
    path: image,
    flags: { readOnly },
    origin: 'a test',
  });
  const bind = (source: string, target: string): Step => ({
    step: 'bind',
    source,
    target,
    flags: { create: true, readOnly: true },
    origin: 'a test',
  });
  const finish: readonly Step[] = [{ step: 'enter' }, { step: 'exec', argv: ['/bin/true'] }];
  const scenes: Readonly<Record<string, readonly Step[]>> = {
    'making a directory in the image': [root(false), bind(data, '/swap/place')],
    'making a directory in an overlay': [
      root(true),
      { step: 'overlay', on: { tmpfsBytes: 1 << 20 }, origin: 'a test' },
      bind(data, '/swap/place'),
    ],
    'mounting a directory and a file': [
      root(true),
      bind(data, '/swap/inner'),
      bind(join(data, 'file'), '/swap/inner/file'),
    ],
  };

  for (const [name, steps] of Object.entries(scenes)) {
    for (const kernel of ['this kernel', '4.18']) {
      // Overlays are beyond older kernels.
      if (kernel === '4.18' && steps.some((step) => step.step === 'overlay')) continue;
      test(`${name} while it changes, on ${kernel}`, async () => {
        const before = snapshot(outside);
        const [file = '', ...words] = user.command([join(tools, 'swapper'), image, 'swap', 'swap-link', 'place']);
        const swapper = spawn(file, words, { stdio: ['pipe', 'pipe', 'inherit'] });
        const swaps = text(swapper.stdout);
        const closed = once(swapper, 'close');
        const launch = plans.keep(`@${name}`, [ownNamespaces(user), ...steps, ...finish]);
        const argv = kernel === '4.18' ? [join(tools, 'old-kernel'), kernel, ...launch, 'x'] : [...launch, 'x'];
        const loop =
          'n=$1; shift; while [ $n -gt 0 ]; do "$@" 2>&1; echo "status $?"; n=$((n - 1)); done | sort | uniq -c';
        const said = await user.runOk(['sh', '-c', loop, 'sh', String(launchesOfEach), ...argv], {
          timeoutMs: 600_000,
        });
        const isRunning = swapper.exitCode === null;
        swapper.stdin.end();
        await closed;
        assert.ok(isRunning && Number(await swaps) > launchesOfEach, `it was swapped ${await swaps} times`);

        const counts = new Map(
          [...said.matchAll(/^ *(\d+) status (\d+)$/gm)].map(([, count, status]) => [status, Number(count)]),
        );
        // In an overlay a place is made wherever the link leads, inside.
        const met = steps.some((step) => step.step === 'overlay') ? ['0'] : ['0', '125'];
        for (const status of met) assert.ok((counts.get(status) ?? 0) > 0, `some meet each:\n${said}`);
        assert.equal((counts.get('0') ?? 0) + (counts.get('125') ?? 0), launchesOfEach, said);
        assert.deepEqual(snapshot(outside), before);
      });
    }
  }
});
