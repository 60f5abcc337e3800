// SPDX-License-Identifier: Apache-2.0
// `ch-run --device` and `--devices`: CDI devices by name, by kind, by file and all of them, in images as directories and
// squashfs files, with variables in the order of the command line.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { imageCommands, makeImages, writeAs } from '../run/images.ts';
import { readTrace } from '../run/launch.ts';
import type { CommandResult } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { acquireTestUser } from '../support/user.ts';

const skip = needs({ commands: imageCommands, userNamespaces: true, fuse: true });

suite('ch-run --device', { skip }, async () => {
  const user = await acquireTestUser();
  const { directory, squashfs } = await makeImages(user);
  const [specs, others] = [join(user.home, 'cdi'), join(user.home, 'others')];
  await user.runOk(['mkdir', '-p', specs, others]);
  const library = join(user.home, 'libvendor.so.1');
  await writeAs(user, library, 'a library\n');
  const spec = (kind: string, name: string): string =>
    JSON.stringify({
      cdiVersion: '0.6.0',
      kind,
      containerEdits: {
        env: [`KIND=${kind}`],
        mounts: [{ hostPath: library, containerPath: `/opt/${name}/lib/libvendor.so.1`, options: ['ro', 'bind'] }],
        hooks: [
          {
            hookName: 'createContainer',
            path: '/usr/bin/nvidia-cdi-hook',
            args: ['nvidia-cdi-hook', 'update-ldcache', '--folder', `/opt/${name}/lib`],
          },
        ],
      },
      devices: ['0', '1'].map((device) => ({
        name: device,
        containerEdits: { env: [`${name.toUpperCase()}_${device}=yes`], deviceNodes: [{ path: '/dev/zero' }] },
      })),
    });
  await writeAs(user, join(specs, 'a.json'), spec('vendor.com/gpu', 'gpu'));
  await writeAs(user, join(specs, 'b.json'), spec('vendor.com/net', 'net'));
  const chRun = async (...words: readonly string[]): Promise<CommandResult> =>
    await user.run(['ch-run', ...words], { env: { CH_RUN_CDI_DIRS: specs } });
  const said = async (...words: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await chRun(...words);
    assert.equal(status, 0, stderr);
    return stdout;
  };
  const look = 'echo $KIND; echo $GPU_0 $GPU_1 $NET_0 $NET_1; ls -d /opt/*/lib/*; echo $LD_LIBRARY_PATH';

  for (const [form, image] of [
    ['a directory', directory],
    ['a squashfs file', squashfs],
  ] as const) {
    test(`gives ${form} a device by its name, a kind, and all there are`, async () => {
      const shell = [image, '--', 'sh', '-c', look];
      const gpu = '/opt/gpu/lib/libvendor.so.1\n/opt/gpu/lib\n';
      assert.equal(await said('--device=vendor.com/gpu=1', ...shell), `vendor.com/gpu\nyes\n${gpu}`);
      assert.equal(await said('--device', 'vendor.com/gpu', ...shell), `vendor.com/gpu\nyes yes\n${gpu}`);
      assert.equal(
        await said('-d', ...shell),
        'vendor.com/net\nyes yes yes yes\n/opt/gpu/lib/libvendor.so.1\n/opt/net/lib/libvendor.so.1\n/opt/gpu/lib:/opt/net/lib\n',
      );
      // The image itself stays as it is.
      assert.equal(await said(image, '--', 'sh', '-c', `ls /opt/gpu 2>/dev/null; ${look} 2>/dev/null`), '\n\n\n');
      assert.equal(await said('--devices', image, '--', 'sh', '-c', 'echo x >/written && cat /written'), 'x\n');
    });
  }

  test('takes a specification’s file, and other directories of them', async () => {
    await writeAs(user, join(others, 'own.json'), spec('own.org/thing', 'thing'));
    const words = [directory, '--', 'sh', '-c', 'echo $KIND; ls -d /opt/*'];
    for (const option of ['--device=./others/own.json', `--cdi-dirs=/nowhere:${others}`]) {
      const more = option.startsWith('--cdi') ? ['--device=own.org/thing=0'] : [];
      assert.equal(await said(option, ...more, ...words), 'own.org/thing\n/opt/thing\n', option);
    }
  });

  test('sets variables where the option stands among the others', async () => {
    const echo = [directory, '--', 'sh', '-c', 'echo $KIND'];
    assert.equal(await said('--set-env=KIND=mine', '--device=vendor.com/gpu=0', ...echo), 'vendor.com/gpu\n');
    assert.equal(await said('--device=vendor.com/gpu=0', '--set-env=KIND=mine', ...echo), 'mine\n');
    assert.equal(await said('--device=vendor.com/gpu=0', '--unset-env=KIND', ...echo), '\n');
  });

  test('lets ranks of a squashfs file share its mount, each with writes of its own', async () => {
    const rank = `ch-run -d img.squashfs -- sh -c 'echo $1 >/own; sleep 1; cat /own' sh`;
    const result = await user.run(['sh', '-c', `ln -sf ${squashfs} img.squashfs; ${rank} 1 & ${rank} 2; wait`], {
      env: { CH_RUN_CDI_DIRS: specs, SLIPWAY_TRACE: '1' },
    });
    assert.deepEqual(result.stdout.split('\n').toSorted(), ['', '1', '2'], result.stderr);
    assert.equal(result.stderr.match(/starting holder/g)?.length, 1, result.stderr);
  });

  test('is explained with the file and line that asked for each mount and variable', async () => {
    const env = { CH_RUN_CDI_DIRS: specs };
    const words = ['slipway', 'explain', 'ch-run', '--device=vendor.com/gpu=0', directory, '--', 'true'];
    const text = await user.runOk(words, { env });
    assert.match(text, /libvendor\.so\.1 .*\[\S+a\.json: all devices of vendor\.com\/gpu\]/);
    assert.match(text, /set GPU_0=yes .*\[\S+a\.json:\d+: device vendor\.com\/gpu=0\]/);
    const refused = await user.run([...words.slice(0, 3), '--device=vendor.com/gpu=9', directory, '--', 'true'], {
      env,
    });
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /^ch-run\[\d+\]: error: use device/);
  });

  test('plans once, and again when a specification changes', async () => {
    const words = ['ch-run', '--device=vendor.com/gpu=0', directory, '--', 'sh', '-c', 'echo $KIND'];
    const env = { CH_RUN_CDI_DIRS: specs, SLIPWAY_TRACE: '1' };
    await user.run(words, { env });
    assert.equal(readTrace(await user.run(words, { env })).wasPlanned, false);
    await writeAs(user, join(specs, 'a.json'), spec('vendor.com/gpu', 'gpu').replace('KIND=', 'KIND=new-'));
    assert.equal(readTrace(await user.run(words, { env })).stdout, 'new-vendor.com/gpu\n');
  });

  test('says which devices there are, and what is no device', async () => {
    const unknown = await chRun('--device=vendor.com/gpu=7', directory, '--', 'true');
    assert.equal(unknown.status, 1);
    assert.match(unknown.stderr, /^ch-run\[\d+\]: error: use device vendor\.com\/gpu=7: .*has 0, 1 \(/);
    for (const [word, reason] of [
      ['gpu', /--device: neither VENDOR\/CLASS\[=NAME\] nor a path: gpu/],
      ['nosuch.com/gpu', /use device nosuch\.com\/gpu: no specification has it/],
      ['/nowhere.json', /can't open.*nowhere\.json.*No such file/],
    ] as const) {
      const { status, stderr } = await chRun(`--device=${word}`, directory, '--', 'true');
      assert.equal(status, 1, word);
      assert.match(stderr, reason, word);
    }
  });
});
