// SPDX-License-Identifier: Apache-2.0
// Devices by the Container Device Interface: what a vendor's specification says is there in the container, who asked for
// it is told, and a changed specification is noticed.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { needs } from '../support/needs.ts';
import { acquireTestUser } from '../support/user.ts';
import { imageCommands, makeImages, writeAs } from './images.ts';
import { launch, launchOk } from './launch.ts';

const skip = needs({ commands: imageCommands, userNamespaces: true, fuse: true });

suite('slipway run --device', { skip }, async () => {
  const user = await acquireTestUser();
  const { directory, squashfs } = await makeImages(user);
  const specs = join(user.home, 'cdi');
  await user.runOk(['mkdir', '-p', specs]);
  const env = { CDI_SPEC_DIRS: specs };
  const library = join(user.home, 'libvendor.so.1');
  await writeAs(user, library, 'a library\n');
  const write = async (variable: string, more = ''): Promise<void> =>
    await writeAs(
      user,
      join(specs, 'vendor.yaml'),
      `cdiVersion: 0.6.0
kind: vendor.com/gpu
containerEdits:
  env: [VENDOR=${variable}]
  mounts:
    - hostPath: ${library}
      containerPath: /opt/vendor/lib/libvendor.so.1
      options: [ro, nosuid, nodev, bind]
  hooks:
    - hookName: createContainer
      path: /usr/bin/nvidia-cdi-hook
      args: [nvidia-cdi-hook, create-symlinks, --link, "libvendor.so.1::/opt/vendor/lib/libvendor.so"]
    - hookName: createContainer
      path: /usr/bin/nvidia-cdi-hook
      args: [nvidia-cdi-hook, update-ldcache, --folder, /opt/vendor/lib]
${more}devices:
  - name: "0"
    containerEdits:
      deviceNodes:
        - path: /dev/zero
`,
    );
  const look = 'echo $VENDOR $LD_LIBRARY_PATH; cat /opt/vendor/lib/libvendor.so; head -c 2 /dev/zero | od -An -c';

  for (const [kind, image] of [
    ['a directory', directory],
    ['a squashfs image', squashfs],
  ] as const) {
    test(`gives ${kind} what the specification says, and notices when that changes`, async () => {
      await write('one');
      const words = ['--device', 'vendor.com/gpu=0', image, '--', 'sh', '-c', look];
      assert.equal(await launchOk(user, words, { env }), 'one /opt/vendor/lib\na library\n  \\0  \\0\n');
      await write('two');
      assert.match(await launchOk(user, words, { env }), /^two /);
    });
  }

  test('says which specification asks for a mount that can not be made', async () => {
    await write('one');
    await user.runOk(['mv', library, `${library}.away`]);
    const result = await launch(user, ['--device', 'vendor.com/gpu=0', directory, '--', 'true'], { env });
    await user.runOk(['mv', `${library}.away`, library]);
    assert.equal(result.status, 125);
    assert.match(result.said, /libvendor\.so\.1: No such file or directory \(ENOENT\)/);
    assert.match(result.said, /asked for by: .*vendor\.yaml: all devices of vendor\.com\/gpu/);
  });

  test('refuses a device that is not there, naming those that are', async () => {
    const result = await launch(user, ['--device', 'vendor.com/gpu=7', directory, '--', 'true'], { env });
    assert.equal(result.status, 125);
    assert.match(result.said, /use device vendor\.com\/gpu=7: no specification has it; vendor\.com\/gpu has 0\n/);
  });
});
