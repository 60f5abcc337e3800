// SPDX-License-Identifier: Apache-2.0
// `slipway login` and `logout` against real registries, one that wants a password and one that wants tokens.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { createFace, type Face, makeLayout } from '../cli/face.ts';
import { type CommandResult, run } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { pushImage, type Registry, registryCommands, startRegistry } from '../support/registry.ts';
import { startTokenServer } from './token-server.ts';

suite('slipway login', { skip: needs({ commands: [...registryCommands, 'htpasswd', 'openssl', 'script'] }) }, () => {
  let basic: Registry;
  let withTokens: Registry;
  let image = '';
  before(async () => {
    const tokens = await startTokenServer({ users: { ann: 'sesame' }, refreshTokens: {} });
    [basic, withTokens] = await Promise.all([
      startRegistry({ auth: { kind: 'basic', username: 'ann', password: 'sesame' } }),
      startRegistry({ auth: tokens.registryAuth }),
    ]);
    const layout = await makeLayout([{ 'bin/tool': 'a program' }]);
    image = `${basic.address}/team/tool:1`;
    await pushImage({ layout, tag: '1' }, image, { credentials: 'ann:sesame' });
    await pushImage({ layout, tag: '1' }, `${withTokens.address}/team/tool:1`, { credentials: 'ann:sesame' });
  });
  const login = async (face: Face, registry: string, password: string): Promise<CommandResult> =>
    await run(face.argv('login', '-u', 'ann', '--password-stdin', registry), {
      env: face.environment,
      input: `${password}\n`,
    });
  const authFile = (face: Face): string => join(face.home, '.config/containers/auth.json');

  test('lets a pull in that was refused before; skopeo reads the same file; logout ends it', async () => {
    for (const registry of [basic, withTokens]) {
      const face = createFace();
      const name = `${registry.address}/team/tool:1`;
      const refused = await face.run('pull', '-q', name);
      assert.equal(refused.status, 125);
      assert.match(refused.stderr, new RegExp(`slipway login ${registry.address}`));
      const { status, stdout, stderr } = await login(face, registry.address, 'sesame');
      assert.equal(status, 0, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, /as ann; kept by .*\.config\/containers\/auth\.json/);
      assert.equal((await face.run('pull', '-q', name)).status, 0);
      const inspect = ['skopeo', 'inspect', '--tls-verify=false', `docker://${name}`];
      const { XDG_RUNTIME_DIR: _, ...others } = process.env as Record<string, string>;
      assert.equal((await run([...inspect, '--authfile', authFile(face)], { env: others })).status, 0);
      assert.equal((await face.run('logout', registry.address)).stdout, `${authFile(face)}\n`);
      assert.equal((await face.run('pull', '-q', `${registry.address}/team/tool:1`)).status, 125);
      assert.equal((await face.run('logout', registry.address)).status, 125);
    }
  });

  test('keeps nothing that the registry refuses, and shows no password', async () => {
    for (const registry of [basic, withTokens]) {
      const face = createFace();
      const { status, stderr } = await login(face, registry.address, 'wrong-secret');
      assert.equal(status, 125);
      assert.match(stderr, /log in to|get a token/);
      assert.match(stderr, /as user ann/);
      assert.doesNotMatch(stderr, /wrong-secret/);
      assert.ok(!existsSync(authFile(face)));
    }
  });

  test('of a namespace is for its repositories', async () => {
    const face = createFace();
    assert.equal((await login(face, `${basic.address}/team`, 'sesame')).status, 0);
    assert.deepEqual(Object.keys((JSON.parse(readFileSync(authFile(face), 'utf8')) as { auths: object }).auths), [
      `${basic.address}/team`,
    ]);
    assert.equal((await face.run('pull', '-q', image)).status, 0);
  });

  test('asks on a terminal, and shows nothing of the password', async () => {
    const face = createFace();
    const words = face.argv('login', basic.address).map((word) => `'${word}'`);
    const child = spawn('script', ['-qefc', words.join(' '), '/dev/null'], {
      env: { ...face.environment, SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let seen = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const before = seen;
      seen += chunk.toString();
      const appeared = (text: string): boolean => seen.includes(text) && !before.includes(text);
      if (appeared('user name for')) child.stdin.write('ann\n');
      if (appeared('password for')) child.stdin.write('sesamX\x7fe\r');
    });
    const status = await new Promise<number | null>((resolve) => {
      child.once('close', resolve);
    });
    assert.equal(status, 0, seen);
    assert.match(seen, /logged in to .* as ann/);
    assert.doesNotMatch(seen, /sesam/);
  });

  test('without a terminal says what is missing; a registry that asks nobody is told of', async () => {
    const face = createFace();
    for (const words of [
      ['login', basic.address],
      ['login', '-u', 'ann', basic.address],
    ]) {
      const { status, stderr } = await face.run(...words);
      assert.equal(status, 2);
      assert.match(stderr, /no terminal/);
    }
    assert.equal((await face.run('login', '-u', 'a', '--password-stdin', 'no registry')).status, 2);
    const open = await startRegistry();
    const { status, stderr } = await login(face, open.address, 'anything');
    assert.equal(status, 0);
    assert.match(stderr, /lets everybody in/);
  });
});
