// SPDX-License-Identifier: Apache-2.0
// Devices of CDI specifications in containers of sarus: a vendor's, with hooks of his own, and one that `slipway inject cdi`
// made of a mount hook's file.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { makeSite, type Site } from './site.ts';

const skip = needs({ commands: ['umoci', 'mmdebstrap', 'squashfuse_ll'], root: true, fuse: true });

describe('devices of CDI specifications', { skip }, () => {
  let user: TestUser;
  let site: Site;
  let specs: string;
  let env: Readonly<Record<string, string>>;

  before(async () => {
    user = await acquireTestUser();
    site = makeSite(user);
    await site.load('busybox', 'busybox');
    specs = join(site.directory, 'cdi');
    mkdirSync(specs, { mode: 0o755 });
    env = { ...site.env, CDI_SPEC_DIRS: specs };
  });

  it('bring nodes, files, variables and what their hooks do', async () => {
    const library = join(site.directory, 'libvendor.so.1');
    writeFileSync(library, 'a library\n', { mode: 0o644 });
    const tool = join(site.directory, 'vendor-hook');
    writeFileSync(tool, '#!/bin/sh\nln -s libvendor.so.1 rootfs/opt/libvendor.so && cat >rootfs/state\n');
    chmodSync(tool, 0o755);
    const spec = {
      cdiVersion: '0.6.0',
      kind: 'vendor.com/gpu',
      containerEdits: {
        env: ['VENDOR=yes'],
        mounts: [{ hostPath: library, containerPath: '/opt/libvendor.so.1', options: ['ro', 'nosuid', 'bind'] }],
        hooks: [{ hookName: 'createContainer', path: tool, args: ['vendor-hook'], timeout: 60 }],
      },
      devices: [{ name: '0', containerEdits: { deviceNodes: [{ path: '/dev/vendor0', hostPath: '/dev/fuse' }] } }],
    };
    writeFileSync(join(specs, 'vendor.json'), JSON.stringify(spec));
    const script = 'test -c /dev/vendor0 && echo node; echo $VENDOR; cat /opt/libvendor.so; grep -c creating /state';
    const words = ['run', '--device=vendor.com/gpu=0', 'busybox', 'sh', '-c', script];
    assert.equal(await user.runOk(['sarus', ...words], { env }), 'node\nyes\na library\n1\n');
    const explained = await user.runOk(['sarus', 'explain', ...words], { env });
    assert.match(
      explained,
      /run the createContainer hook \S+vendor-hook, for at most 60 s.*\[\S+vendor\.json: all devices/,
    );
    const unknown = await user.run(['sarus', 'run', '--device=vendor.com/gpu=7', 'busybox', 'true'], { env });
    assert.equal(unknown.status, 1);
    assert.match(unknown.stderr, /no specification has it; vendor\.com\/gpu has 0\n/);
  });

  it('do what the hook file did that they were made of', async () => {
    const providers = '/opt/providers';
    const hook = {
      version: '1.0.0',
      hook: {
        path: `${user.prefix}/bin/mount_hook`,
        args: [
          'mount_hook',
          '--mount=type=bind,src=/usr/share,dst=/opt/share,readonly',
          '--mount=type=bind,src=/etc/services,dst=<FI_PROVIDER_PATH>/libx-fi.so',
          '--device=/dev/fuse:/dev/tool:rw',
        ],
        env: ['LDCONFIG_PATH=/sbin/ldconfig'],
      },
      when: { annotations: { '^tool$': '^yes$' } },
      stages: ['createContainer'],
    };
    const file = site.writeHook('50-tool', hook);
    const made = await runOk([`${user.prefix}/bin/slipway`, 'inject', 'cdi', file, '--kind=site.org/tool'], {
      env: { PATH: '/usr/bin:/bin', HOME: '/root' },
    });
    writeFileSync(join(specs, 'tool.json'), made);
    const script = `ls -d /opt/share/doc; touch /opt/share/x 2>&1; ls ${providers}; test -c /dev/tool && echo node`;
    const words = ['-e', `FI_PROVIDER_PATH=${providers}`, 'busybox', 'sh', '-c', script];
    const byHook = await user.runOk(['sarus', 'run', '--annotation=tool=yes', ...words], { env });
    assert.match(byHook, /^\/opt\/share\/doc\n.*Read-only file system\nlibx-fi\.so\nnode\n$/);
    assert.equal(await user.runOk(['sarus', 'run', '--device=site.org/tool=all', ...words], { env }), byHook);
  });
});
