// SPDX-License-Identifier: Apache-2.0
// From a registry by the image service to a running program: what shifterimg has pulled shifter runs by its name, as a user
// and without privilege, and root prepares it by the kernel.
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { before, describe, it } from 'node:test';
import { startGateway, type TestGateway } from '../gateway/gateway.ts';
import { run, runOk } from '../support/command.ts';
import { realImage } from '../support/images.ts';
import { mungeCommands } from '../support/munge.ts';
import { needs } from '../support/needs.ts';
import { pushImage, registryCommands, startRegistry } from '../support/registry.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { copyTree, makeSite, siteCommands, type TestSite } from './site.ts';

const skip = needs({
  commands: [...siteCommands, ...registryCommands, ...mungeCommands],
  root: true,
  userNamespaces: true,
  fuse: true,
  loopSquashfs: true,
});

describe('images of the image service', { skip }, () => {
  let user: TestUser;
  let site: TestSite;
  let gateway: TestGateway;
  let env: Readonly<Record<string, string>>;

  before(async () => {
    user = await acquireTestUser();
    const registry = await startRegistry();
    await pushImage({ layout: await realImage('busybox'), tag: 'latest' }, `${registry.address}/tools/busybox:1`);
    gateway = await startGateway({
      locations: { [registry.address]: { remotetype: 'dockerv2', authentication: 'http' } },
      config: { ImportUsers: [user.name] },
    });
    chmodSync(gateway.imageDirectory, 0o755);
    site = makeSite([user]);
    site.configure(`system=${gateway.system}`, `imageGateway=${gateway.url}`, `imagePath=${gateway.imageDirectory}`);
    env = { ...site.env, SLIPWAY_MUNGE_SOCKET: gateway.munge.socket };
  });

  it('run by the name under which they were pulled', async () => {
    const missing = await user.run(['shifter', '--image=docker:tools/busybox:1', 'true'], { env });
    assert.equal(missing.status, 1);
    assert.match(missing.stderr, /look up docker:tools\/busybox:1/);
    await user.runOk(['shifterimg', 'pull', 'docker:tools/busybox:1'], { env });
    const id = (await user.runOk(['shifterimg', 'lookup', 'docker:tools/busybox:1'], { env })).trim();
    const said = await user.runOk(
      [
        'shifter',
        '--image=docker:tools/busybox:1',
        'sh',
        '-c',
        'echo $SHIFTER_IMAGEREQUEST $SHIFTER_IMAGE; id -u; head -1 /etc/os-release',
      ],
      { env },
    );
    assert.match(said, new RegExp(`^docker:tools/busybox:1 ${id}\n${user.uid}\nPRETTY_NAME="Debian`));
  });

  it('are mounted by the kernel for a job', async () => {
    const id = (await user.runOk(['shifterimg', 'lookup', 'docker:tools/busybox:1'], { env })).trim();
    const bin = `${user.prefix}/bin`;
    const words = `-c ${site.configPath} -U ${user.uid} -G ${user.gid} -u ${user.name}`;
    const script = `mount -t tmpfs -o mode=755 none /run
      ${bin}/setupRoot ${words} id ${id} || exit 1
      losetup --noheadings --output BACK-FILE; head -1 ${site.udiMount}/etc/os-release
      ${bin}/unsetupRoot -c ${site.configPath}; grep -c ' ${site.udiMount}' /proc/self/mountinfo || true`;
    const result = await run(['unshare', '--mount', '--', 'sh', '-c', script]);
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, new RegExp(`${id}\\.squashfs`));
    assert.match(result.stdout, /PRETTY_NAME="Debian[^\n]*\n0\n$/);
  });

  it('run as custom: when a user has imported his own, by FUSE alone', async () => {
    const own = join(user.makeDirectory('own'), 'mine.squashfs');
    const tree = await copyTree('busybox');
    writeFileSync(join(tree, 'mark'), 'of the user\n');
    await runOk(['mksquashfs', tree, own, '-all-root', '-quiet', '-no-progress']);
    const body = JSON.stringify({ filepath: own, format: 'squashfs' });
    for (let status = ''; status !== 'READY'; await delay(100)) {
      const path = `/api/doimport/${gateway.system}/custom/mine%3A1/`;
      const { text } = await gateway.fetch(path, { method: 'POST', user, body });
      ({ status } = JSON.parse(text) as { status: string });
      assert.notEqual(status, 'FAILURE', text);
    }
    assert.equal(await user.runOk(['shifter', '--image=custom:mine:1', 'cat', '/mark'], { env }), 'of the user\n');
    const id = (await user.runOk(['shifterimg', 'lookup', 'custom:mine:1'], { env })).trim();
    const words = ['-c', site.configPath, '-U', String(user.uid), '-G', String(user.gid), '-u', user.name, 'id', id];
    const refused = await run([`${user.prefix}/bin/setupRoot`, ...words]);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /has not made this image itself/);
  });
});
