// SPDX-License-Identifier: Apache-2.0
// `slipway remote`: the same gateway for people and for programs that read JSON; and two gateways of which one is down.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { CommandResult } from '../support/command.ts';
import { realImage } from '../support/images.ts';
import { mungeCommands } from '../support/munge.ts';
import { needs } from '../support/needs.ts';
import { pushImage, type Registry, registryCommands, startRegistry } from '../support/registry.ts';
import { freePort } from '../support/service.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { startGateway, type TestGateway } from './gateway.ts';

const skip = needs({ commands: [...registryCommands, ...mungeCommands], root: true });

describe('slipway remote', { skip }, () => {
  let registry: Registry;
  let gateway: TestGateway;
  let ada: TestUser;
  let bob: TestUser;
  before(async () => {
    registry = await startRegistry();
    const source = { layout: await realImage('busybox'), tag: 'latest' };
    await pushImage(source, `${registry.address}/busybox:1`);
    await pushImage(source, `${registry.address}/busybox:2`);
    gateway = await startGateway({ locations: { [registry.address]: { remotetype: 'dockerv2' } } });
    ada = await acquireTestUser();
    bob = await acquireTestUser();
  });
  const remote = async (user: TestUser, ...words: readonly string[]): Promise<CommandResult> =>
    await user.run([`${user.prefix}/bin/slipway`, 'remote', ...words], {
      env: { SLIPWAY_UDIROOT_CONF: gateway.udiRootPath, SLIPWAY_MUNGE_SOCKET: gateway.munge.socket },
    });

  test('pull says its states and prints the id; lookup prints it again', async () => {
    const pulled = await remote(ada, 'pull', 'busybox:1');
    assert.equal(pulled.status, 0, pulled.stderr);
    assert.match(pulled.stdout, /^[0-9a-f]{64}\n$/);
    assert.match(pulled.stderr, /^busybox:1: INIT\n[^]*busybox:1: READY\n$/);
    assert.equal((await remote(bob, 'lookup', 'busybox:1')).stdout, pulled.stdout);
    const json = await remote(ada, 'pull', '--json', 'busybox:1');
    assert.equal((JSON.parse(json.stdout) as { status: string }).status, 'READY');
  });

  test('by digest', async () => {
    const id = (await remote(ada, 'lookup', 'busybox:1')).stdout.trim();
    const pulled = await remote(ada, 'pull', '--quiet', `busybox@sha256:${id}`);
    assert.deepEqual([pulled.status, pulled.stdout, pulled.stderr], [0, `${id}\n`, '']);
  });

  test('a failure has its reason and a status of its own', async () => {
    const failed = await remote(ada, 'pull', 'nosuch:1');
    assert.equal(failed.status, 1);
    assert.match(failed.stderr, /slipway: pull nosuch:1: .*has no repository/);
    const pulls = JSON.parse((await remote(bob, 'pulls', '--json')).stdout) as {
      tag: string;
      status: string;
      requester: string;
    }[];
    assert.deepEqual(
      pulls.map(({ tag, status, requester }) => [tag, status, requester]),
      [['nosuch:1', 'FAILURE', '']],
    );
    assert.equal((await remote(ada, 'lookup', 'nosuch:1')).status, 1);
  });

  test('one sees and removes what is one’s own', async () => {
    await remote(ada, 'pull', '-q', 'busybox:2');
    await remote(bob, 'pull', '-q', 'busybox:1');
    const list = await remote(bob, 'images');
    assert.match(list.stdout, /^busybox:1\t[0-9a-f]{64}\t\d+\teveryone\t\d{4}-/m);
    const others = await remote(bob, 'rm', 'busybox:2');
    assert.deepEqual([others.status, others.stdout], [1, '']);
    assert.match(others.stderr, /busybox:2 is not yours to remove: another user has pulled it/);
    assert.equal((await remote(ada, 'rm', 'busybox:2')).status, 0);
    assert.equal((await remote(ada, 'lookup', 'busybox:2')).status, 1);
    assert.match((await remote(ada, 'rm', 'busybox:1')).stderr, /others have pulled it too/);
  });

  test('of several gateways the one that answers', async () => {
    const down = `http://127.0.0.1:${await freePort()}`;
    const both = ['--system=testsys', `--gateway=${down}`, `--gateway=${gateway.url}`];
    for (let round = 0; round < 4; round += 1) {
      assert.equal((await remote(ada, 'lookup', ...both, 'busybox:1')).status, 0);
    }
    const none = await remote(ada, 'lookup', '--system=testsys', `--gateway=${down}`, 'busybox:1');
    assert.equal(none.status, 125);
    assert.match(none.stderr, /reach the image gateway: .*refused/);
    const refused = await remote(ada, 'images', '--system=nosuch', `--gateway=${gateway.url}`);
    assert.equal(refused.status, 125);
    assert.match(refused.stderr, /answered 404: Bad session or system: there is no system nosuch/);
  });
});
