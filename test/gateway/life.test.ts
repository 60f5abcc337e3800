// SPDX-License-Identifier: Apache-2.0
// The life of an image, from a registry to a system's image directory and away again, by shifterimg and by HTTP.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { type CommandResult, runOk } from '../support/command.ts';
import { realImage } from '../support/images.ts';
import { mungeCommands } from '../support/munge.ts';
import { needs } from '../support/needs.ts';
import { pushImage, type Registry, registryCommands, startRegistry } from '../support/registry.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { startGateway, type TestGateway } from './gateway.ts';

const skip = needs({ commands: [...registryCommands, ...mungeCommands, 'unsquashfs'], root: true });

describe("an image's life", { skip }, () => {
  let registry: Registry;
  let gateway: TestGateway;
  let user: TestUser;
  before(async () => {
    registry = await startRegistry();
    await pushImage({ layout: await realImage('busybox'), tag: 'latest' }, `${registry.address}/tools/busybox:1`);
    gateway = await startGateway({
      locations: { [registry.address]: { remotetype: 'dockerv2', authentication: 'http' } },
    });
    user = await acquireTestUser();
  });

  test('a user pulls it, sees it, and it is there for the runtime', async () => {
    const none = await gateway.shifterimg(['lookup', 'docker:tools/busybox:1'], user);
    assert.deepEqual([none.status, none.stdout], [1, '']);
    assert.deepEqual(await gateway.shifterimg(['images'], user), { status: 0, signal: null, stdout: '', stderr: '' });

    const pulled = await gateway.shifterimg(['pull', 'docker:tools/busybox:1'], user);
    assert.equal(pulled.status, 0, pulled.stdout + pulled.stderr);
    assert.match(
      pulled.stdout,
      /\r\x1B\[2K\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d Pulling Image: docker:tools\/busybox:1, status: READY\n$/,
    );

    const digest = (
      await runOk([
        'skopeo',
        'inspect',
        '--tls-verify=false',
        '--format={{.Digest}}',
        `docker://${registry.address}/tools/busybox:1`,
      ])
    ).trim();
    const id = digest.replace('sha256:', '');
    assert.deepEqual(await gateway.shifterimg(['lookup', 'tools/busybox:1'], user), {
      status: 0,
      signal: null,
      stdout: `${id}\n`,
      stderr: '',
    });
    const list = await gateway.shifterimg(['images'], user);
    assert.match(
      list.stdout,
      new RegExp(
        `^testsys    docker     READY    ${id.slice(0, 10)}   \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d tools/busybox:1 {15}\n$`,
      ),
    );

    const files = readdirSync(gateway.imageDirectory).sort();
    assert.deepEqual(files, [`${id}.meta`, `${id}.squashfs`]);
    for (const name of files) assert.equal(statSync(join(gateway.imageDirectory, name)).mode & 0o7777, 0o644);
    assert.match(
      readFileSync(join(gateway.imageDirectory, `${id}.meta`), 'utf8'),
      /^# converted by Slipway\nFORMAT: squashfs\n/,
    );
    const listing = await runOk(['unsquashfs', '-lln', join(gateway.imageDirectory, `${id}.squashfs`)]);
    const owners = new Set(listing.split('\n').flatMap((line) => /^\S{10} (\d+\/\d+) /.exec(line)?.[1] ?? []));
    assert.deepEqual([...owners], ['0/0']);
    assert.doesNotMatch(listing, /^-(?!r.{2}r.{2}r)/m, 'every file can be read by all');
  });

  test('Nextflow finds its word', async () => {
    const { stdout } = await gateway.shifterimg(['-v', 'pull', 'docker:tools/busybox:1'], user);
    const line = stdout.split('\n').slice(-3)[0] ?? '';
    assert.equal(line.split(/\s+/)[5], 'READY', stdout);
    assert.match(stdout, /^Message: \{"id":/);
  });

  test('a failure is told with its reason, and as an earlier one as long as it is kept', async () => {
    const pull = async (): Promise<CommandResult> => await gateway.shifterimg(['pull', 'nosuch:1'], user);
    const reason = /^shifterimg: pull docker:nosuch:1: .* has no repository nosuch.*\n/.source;
    const [failed, kept] = [await pull(), await pull()];
    assert.deepEqual([failed.status, kept.status], [1, 1]);
    assert.match(failed.stderr, new RegExp(`${reason}$`));
    assert.match(kept.stderr, new RegExp(`${reason}  this was at \\d{4}-\\d\\d-\\d\\dT[\\d:]{8}; some minutes after`));
  });

  test('an administrator removes it; others may not', async () => {
    const mine = await gateway.fetch('/api/expire/testsys/docker/tools%2Fbusybox%3A1/', { user });
    assert.deepEqual([mine.status, mine.text], [200, '{"status":false}']);
    const refused = await gateway.shifterimg(['expire', 'docker:tools/busybox:1'], user);
    assert.deepEqual([refused.status, refused.stdout], [0, '']);
    assert.match(refused.stderr, /only administrators/);
    assert.deepEqual(await gateway.shifterimg(['expire', 'docker:tools/busybox:1']), {
      status: 0,
      signal: null,
      stdout: '',
      stderr: '',
    });
    for (let tries = 0; readdirSync(gateway.imageDirectory).length > 0 && tries < 2400; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.deepEqual(readdirSync(gateway.imageDirectory), []);
    assert.equal((await gateway.shifterimg(['lookup', 'tools/busybox:1'], user)).status, 1);
    assert.equal(existsSync(join(gateway.directory, 'cache/gateway.sqlite')), true);
  });
});
