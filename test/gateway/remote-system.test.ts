// SPDX-License-Identifier: Apache-2.0
// Systems that are reached by ssh: delivery, a transfer that breaks off, several systems from one conversion.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { runOk } from '../support/command.ts';
import { realImage } from '../support/images.ts';
import { mungeCommands, startMunge } from '../support/munge.ts';
import { needs } from '../support/needs.ts';
import { pushImage, registryCommands, startRegistry } from '../support/registry.ts';
import { sshdCommands, startSshd } from '../support/sshd.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { startGateway, type TestGateway } from './gateway.ts';

const skip = needs({
  commands: [...registryCommands, ...mungeCommands, ...sshdCommands, 'unsquashfs', 'mksquashfs'],
  root: true,
});

describe('remote systems', { skip }, () => {
  let gateway: TestGateway;
  let remote: string;
  let breaker: string;
  before(async () => {
    const registry = await startRegistry();
    await pushImage({ layout: await realImage('busybox'), tag: 'latest' }, `${registry.address}/busybox:1`);
    remote = temporaryDirectory();
    // Ends the first transfer of an image after 300,000 bytes, as a network that breaks does.
    const tools = temporaryDirectory();
    breaker = join(tools, 'broken-once');
    const script = join(tools, 'shell');
    writeFileSync(
      script,
      `#!/bin/sh
echo "$SSH_ORIGINAL_COMMAND" >> ${breaker}.log
case $SSH_ORIGINAL_COMMAND in
*'cat > '*squashfs.partial*)
  if [ ! -e ${breaker} ]; then
    echo "$SSH_ORIGINAL_COMMAND" > ${breaker}
    head -c 300000 | sh -c "$SSH_ORIGINAL_COMMAND"
    exit 255
  fi ;;
esac
exec sh -c "$SSH_ORIGINAL_COMMAND"
`,
    );
    chmodSync(script, 0o755);
    const sshd = await startSshd(script);
    const munge = await startMunge();
    const images = join(temporaryDirectory(), 'near');
    gateway = await startGateway({
      munge,
      system: 'near',
      locations: { [registry.address]: { remotetype: 'dockerv2' } },
      config: {
        Platforms: {
          near: { mungeSocketPath: munge.socket, accesstype: 'local', admins: ['root'], local: { imageDir: images } },
          far: {
            mungeSocketPath: munge.socket,
            accesstype: 'remote',
            admins: ['root'],
            host: ['127.0.0.1'],
            ssh: { username: sshd.username, key: sshd.keyPath, imageDir: remote, sshCmdOptions: sshd.options },
          },
        },
      },
    });
    mkdirSync(images, { recursive: true });
  });

  const pulled = async (system: string): Promise<Record<string, unknown>> => {
    for (let tries = 0; tries < 300; tries += 1) {
      const { text } = await gateway.fetch(`/api/pull/${system}/docker/busybox%3A1/`, { method: 'POST' });
      const record = JSON.parse(text) as Record<string, unknown>;
      if (record['status'] === 'READY') return record;
      assert.notEqual(record['status'], 'FAILURE', text);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('the pull did not end');
  };

  test('a transfer that breaks off goes on where it stopped, and the file is whole', async () => {
    const { id } = await pulled('far');
    assert.match(readFileSync(breaker, 'utf8'), /cat > /);
    assert.match(readFileSync(`${breaker}.log`, 'utf8'), /cat >> '.*squashfs.partial/);
    assert.deepEqual(readdirSync(remote).sort(), [`${String(id)}.meta`, `${String(id)}.squashfs`]);
    for (const name of readdirSync(remote)) assert.equal(statSync(join(remote, name)).mode & 0o777, 0o644);
    await runOk(['unsquashfs', '-lls', join(remote, `${String(id)}.squashfs`)]);
  });

  test('a second system gets the same file without a second conversion', async () => {
    const { id } = await pulled('near');
    const far = join(remote, `${String(id)}.squashfs`);
    const configured = JSON.parse(readFileSync(gateway.configPath, 'utf8')) as {
      Platforms: { near: { local: { imageDir: string } } };
    };
    const copy = join(configured.Platforms.near.local.imageDir, `${String(id)}.squashfs`);
    assert.deepEqual(readFileSync(copy), readFileSync(far));
    const store = readdirSync(join(gateway.directory, 'cache/store/images')).filter((name) =>
      name.endsWith('.squashfs'),
    );
    assert.equal(store.length, 1);
  });

  test('expiry removes it there', async () => {
    assert.equal((await gateway.fetch('/api/expire/far/docker/busybox%3A1/')).text, '{"status":true}');
    for (let tries = 0; readdirSync(remote).length > 0 && tries < 200; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.deepEqual(readdirSync(remote), []);
    assert.equal((await gateway.fetch('/api/lookup/near/docker/busybox%3A1/')).status, 200);
  });
});
