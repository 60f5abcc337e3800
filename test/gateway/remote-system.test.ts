// SPDX-License-Identifier: Apache-2.0
// Systems that are reached by ssh: delivery, a transfer that breaks off, several systems from one conversion.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { runOk } from '../support/command.ts';
import { realImage } from '../support/images.ts';
import { mungeCommands, startMunge } from '../support/munge.ts';
import { needs } from '../support/needs.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { pushImage, type Registry, registryCommands, startRegistry } from '../support/registry.ts';
import { sshdCommands, startSshd } from '../support/sshd.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acquireTestUser } from '../support/user.ts';
import { type FetchOptions, startGateway, type TestGateway } from './gateway.ts';

const skip = needs({
  commands: [...registryCommands, ...mungeCommands, ...sshdCommands, 'unsquashfs', 'mksquashfs'],
  root: true,
});

describe('remote systems', { skip }, () => {
  let gateway: TestGateway;
  let remote: string;
  let breaker: string;
  let registry: Registry;
  let nearImages: string;
  let armImages: string;
  before(async () => {
    registry = await startRegistry();
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
    [nearImages, armImages] = [join(temporaryDirectory(), 'near'), join(temporaryDirectory(), 'arm')];
    const local = (imageDir: string): object => {
      return { mungeSocketPath: munge.socket, accesstype: 'local', admins: ['root'], local: { imageDir } };
    };
    gateway = await startGateway({
      munge,
      system: 'near',
      locations: { [registry.address]: { remotetype: 'dockerv2' } },
      config: {
        ImportUsers: 'all',
        Platforms: {
          near: local(nearImages),
          arm: { ...local(armImages), architecture: 'arm64' },
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
  });

  /** Asks until there is an end. */
  const settled = async (path: string, options: FetchOptions = {}): Promise<Record<string, unknown>> => {
    for (let tries = 0; tries < 1200; tries += 1) {
      const { text } = await gateway.fetch(path, { method: 'POST', ...options });
      const record = JSON.parse(text) as Record<string, unknown>;
      if (!['INIT', 'PENDING', 'PULLING', 'CONVERSION', 'HASHING', 'TRANSFER'].includes(String(record['status']))) {
        return record;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${path} did not end`);
  };
  const pulled = async (system: string, tag = 'busybox:1'): Promise<Record<string, unknown>> => {
    const record = await settled(`/api/pull/${system}/docker/${encodeURIComponent(tag)}/`);
    assert.equal(record['status'], 'READY', JSON.stringify(record));
    return record;
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
    const copy = join(nearImages, `${String(id)}.squashfs`);
    assert.deepEqual(readFileSync(copy), readFileSync(far));
    const store = readdirSync(join(gateway.directory, 'cache/store/images')).filter((name) =>
      name.endsWith('.squashfs'),
    );
    assert.equal(store.length, 1);
  });

  test('each system gets the image for its own processors', async () => {
    const layout = join(temporaryDirectory(), 'layout');
    const packed = async (text: string): Promise<Buffer> => {
      const tree = temporaryDirectory();
      writeFileSync(join(tree, 'processor'), text);
      return Buffer.from(await runOk(['sh', '-c', 'tar -C "$1" -c processor | base64 -w0', 'sh', tree]), 'base64');
    };
    writeLayout(layout, '1', [
      { architecture: 'amd64', layers: [await packed('amd64')] },
      { architecture: 'arm64', layers: [await packed('arm64')] },
    ]);
    await pushImage({ layout, tag: '1' }, `${registry.address}/both:1`, { skopeoOptions: ['--all'] });
    const [near, arm] = [await pulled('near', 'both:1'), await pulled('arm', 'both:1')];
    // The same thing under the tag; of it, to each its own.
    assert.equal(near['id'], arm['id']);
    for (const [directory, text] of [
      [nearImages, 'amd64'],
      [armImages, 'arm64'],
    ] as const) {
      const image = join(directory, `${String(near['id'])}.squashfs`);
      assert.equal(await runOk(['unsquashfs', '-cat', image, 'processor']), text);
    }
  });

  test('an import takes what the user may read on that system, and nothing else', async () => {
    const user = await acquireTestUser();
    const own = user.makeDirectory('own');
    await user.runOk([
      'sh',
      '-c',
      `mkdir tree && echo x > tree/f && mksquashfs tree ${own}/mine.squashfs -quiet -no-progress && chmod 600 ${own}/mine.squashfs`,
    ]);
    const doimport = async (filepath: string, tag: string): Promise<Record<string, unknown>> =>
      await settled(`/api/doimport/far/custom/${tag}/`, {
        user,
        body: JSON.stringify({ filepath, format: 'squashfs' }),
      });
    const done = await doimport(`${own}/mine.squashfs`, 'mine%3A1');
    assert.equal(done['status'], 'READY', JSON.stringify(done));
    const sum = (await runOk(['sha256sum', `${own}/mine.squashfs`])).slice(0, 64);
    assert.equal(done['id'], sum);
    assert.deepEqual(readFileSync(join(remote, `${sum}.squashfs`)), readFileSync(`${own}/mine.squashfs`));
    assert.equal(readFileSync(join(remote, `${sum}.meta`), 'utf8'), `FORMAT: squashfs\nUSER: ${user.name}\n`);

    const secret = temporaryDirectory();
    chmodSync(secret, 0o700);
    await runOk(['cp', `${own}/mine.squashfs`, `${secret}/x`]);
    symlinkSync(`${secret}/x`, `${own}/link`);
    symlinkSync(secret, `${own}/way`);
    mkdirSync(`${own}/it's`);
    writeFileSync(`${own}/it's/text`, 'no image');
    await runOk(['cp', '--no-preserve=all', `${secret}/x`, `${own}/closed`]);
    chmodSync(`${own}/closed`, 0o600);
    for (const [path, reason] of [
      [`${secret}/x`, /you may not enter/],
      [`${own}/link`, /symbolic link/],
      [`${own}/way/x`, /symbolic link/],
      [`${own}/closed`, /you may not read it/],
      [`${own}/it's/text`, /no squashfs/],
    ] as const) {
      const failed = await doimport(path, `x${Math.random()}%3A1`);
      assert.equal(failed['status'], 'FAILURE', path);
      assert.match(String(failed['status_message']), reason);
    }
    assert.deepEqual(
      readdirSync(remote).filter((name) => name.includes('partial')),
      [],
    );
    assert.equal((await gateway.fetch('/api/expire/far/custom/mine%3A1/')).text, '{"status":true}');
  });

  test('expiry removes it there', async () => {
    assert.equal((await gateway.fetch('/api/expire/far/docker/busybox%3A1/')).text, '{"status":true}');
    for (let tries = 0; readdirSync(remote).length > 0 && tries < 1200; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.deepEqual(readdirSync(remote), []);
    assert.equal((await gateway.fetch('/api/lookup/near/docker/busybox%3A1/')).status, 200);
  });
});
