// SPDX-License-Identifier: Apache-2.0
// `shifter --device`: what CDI specifications say, over an image of the site's, among its modules and volumes.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { makeSite, siteCommands, type TestSite } from './site.ts';

const skip = needs({ commands: siteCommands, root: true, userNamespaces: true, fuse: true });

describe('shifter --device', { skip }, () => {
  let user: TestUser;
  let site: TestSite;
  let env: Readonly<Record<string, string>>;

  before(async () => {
    user = await acquireTestUser();
    site = makeSite([user]);
    await site.addImage('aaa', { real: 'busybox' }, ['ENV: PATH=/usr/bin:/bin', 'ENV: VENDOR=image']);
    const library = site.write('libvendor.so.1', 'a library\n');
    const tool = site.write(
      'vendor-hook',
      '#!/bin/sh\nmkdir -p rootfs/tmp; cat >"$STATE"; test -e rootfs/opt/vendor/libvendor.so.1\n',
      0o755,
    );
    const spec = {
      cdiVersion: '0.6.0',
      kind: 'vendor.com/gpu',
      containerEdits: {
        env: ['VENDOR=yes', 'ORDER=device'],
        mounts: [
          { hostPath: library, containerPath: '/opt/vendor/libvendor.so.1', options: ['ro', 'nosuid', 'bind'] },
          { hostPath: join(site.directory, 'share'), containerPath: '/opt/udiImage/vendor', options: ['ro', 'rbind'] },
        ],
      },
      devices: [
        { name: '0', containerEdits: { deviceNodes: [{ path: '/dev/zero' }] } },
        {
          name: 'hooked',
          containerEdits: {
            hooks: [
              {
                hookName: 'createContainer',
                path: tool,
                args: ['vendor-hook'],
                env: [`PATH=/usr/bin:/bin`, `STATE=${user.home}/state`],
                timeout: 60,
              },
            ],
          },
        },
      ],
    };
    site.write('cdi/vendor.json', JSON.stringify(spec));
    site.write('share/note', 'of the site\n');
    env = { ...site.env, CDI_SPEC_DIRS: join(site.directory, 'cdi') };
  });

  const look =
    'echo $VENDOR $ORDER; cat /opt/vendor/libvendor.so.1 /opt/udiImage/vendor/note; head -c1 /dev/zero | wc -c';

  it('brings files, nodes and variables, before what the person sets', async () => {
    const words = ['shifter', '--image=id:aaa', '--device=vendor.com/gpu=0', '--env=ORDER=own', 'sh', '-c', look];
    assert.equal(await user.runOk(words, { env }), 'yes own\na library\nof the site\n1\n');
    const without = await user.runOk(['shifter', '--image=id:aaa', 'sh', '-c', 'echo $VENDOR; ls /opt'], { env });
    assert.equal(without, 'image\nudiImage\n');
  });

  it('shows as a volume what a device has brought', async () => {
    const words = ['shifter', '--image=id:aaa', '--device', 'vendor.com/gpu=0', '--volume=/opt/udiImage/vendor:/seen'];
    assert.equal(await user.runOk([...words, 'ls', '/seen'], { env }), 'note\n');
  });

  it('runs hooks of a specification that are no part of the container', async () => {
    const words = ['shifter', '--image=id:aaa', '--device=vendor.com/gpu=hooked', 'cat', `${user.home}/state`];
    const result = await user.run(['sh', '-c', `"$@" >/dev/null 2>&1; cat ${user.home}/state`, 'sh', ...words], {
      env,
    });
    assert.match(result.stdout, /"status":"creating"/, result.stderr);
  });

  it('goes its own way where a job’s container is prepared', async () => {
    // As setupRoot leaves it: the same container, but for the device.
    site.write(
      'udiMount/var/shifterConfig.json',
      `${JSON.stringify({ identifier: 'aaa', user: user.name, volMap: '', modules: '' })}\n`,
    );
    const words = ['shifter', '--device=vendor.com/gpu=0', 'sh', '-c', look];
    assert.equal(await user.runOk(words, { env }), 'yes device\na library\nof the site\n1\n');
  });

  it('is explained with the file that asked for each mount', async () => {
    const words = ['slipway', 'explain', 'shifter', '--image=id:aaa', '--device=vendor.com/gpu=0', 'true'];
    const text = await user.runOk(words, { env });
    assert.match(text, /libvendor\.so\.1 .*\[\S+vendor\.json: all devices of vendor\.com\/gpu\]/);
    assert.match(text, /\/dev\/zero .*\[\S+vendor\.json:\d+: device vendor\.com\/gpu=0\]/);
  });

  it('refuses what is no device, and names those that are', async () => {
    const unknown = await user.run(['shifter', '--image=id:aaa', '--device=vendor.com/gpu=7', 'true'], { env });
    assert.equal(unknown.status, 1);
    assert.match(unknown.stderr, /^shifter: use device vendor\.com\/gpu=7: .*vendor\.com\/gpu has 0, hooked\n/);
    const path = await user.run(['shifter', '--image=id:aaa', '--device=/dev/zero', 'true'], { env });
    assert.equal(path.status, 1);
    assert.match(path.stderr, /--device: "\/dev\/zero" is not VENDOR\/CLASS=NAME/);
  });
});
