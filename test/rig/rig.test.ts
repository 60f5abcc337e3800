// SPDX-License-Identifier: Apache-2.0
// The test rig itself: a leak check that can't accuse, or an "ordinary user" with privilege, would make every other
// test worthless.
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { run, runOk } from '../support/command.ts';
import { realImage } from '../support/images.ts';
import { needs } from '../support/needs.ts';
import { freePort, startService } from '../support/service.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acquireTestUser } from '../support/user.ts';

const root = resolve(import.meta.dirname, '../..');

test('the test user has no privilege, a clean environment and an empty home', async () => {
  process.env['SLIPWAY_RIG_CANARY'] = 'from the caller';
  const user = await acquireTestUser({ prefix: '/usr' });
  delete process.env['SLIPWAY_RIG_CANARY'];
  assert.notEqual(user.uid, 0);
  const said = await user.runOk(['sh', '-c', 'id -u; grep -E "^Cap(Eff|Prm|Inh)" /proc/self/status; pwd; ls -A; env']);
  const lines = said.trim().split('\n');
  assert.equal(lines[0], String(user.uid));
  for (const capability of lines.slice(1, 4)) assert.match(capability, /\t0{16}$/);
  assert.equal(lines[4], user.home);
  const names = lines
    .slice(5)
    .map((line) => line.replace(/=.*/s, ''))
    .filter((name) => name !== 'PWD' && name !== '_');
  assert.deepEqual(names.toSorted(), Object.keys(user.env).toSorted());
});

test('two test users at once are different accounts', { skip: needs({ root: true }) }, async () => {
  const [one, other] = [await acquireTestUser({ prefix: '/usr' }), await acquireTestUser({ prefix: '/usr' })];
  assert.notEqual(one.uid, other.uid);
});

test('a program that takes too long is killed with what it started', async () => {
  await assert.rejects(
    run(['sh', '-c', 'echo begun; sleep 600 & wait'], { timeoutMs: 300 }),
    /killed after 300 ms[^]*begun/,
  );
});

test('a failing program is shown with all it said', async () => {
  await assert.rejects(runOk(['sh', '-c', 'echo out; echo err >&2; exit 3']), /status 3[^]*out[^]*err/);
});

test('input reaches the program, and its status and signal come back', async () => {
  assert.equal((await run(['cat'], { input: 'abc' })).stdout, 'abc');
  assert.equal((await run(['sh', '-c', 'kill -TERM $$'])).signal, 'SIGTERM');
  await assert.rejects(run(['/nonexistent/program']), /ENOENT/);
});

test('a service that ends before it is ready is reported with its words', async () => {
  await assert.rejects(
    startService(['sh', '-c', 'echo why not; exit 1'], () => false),
    /ended before it was ready\nwhy not/,
  );
});

test('a service is stopped by its pid', { skip: needs({ commands: ['python3'] }) }, async () => {
  const port = await freePort();
  const service = await startService(
    ['python3', '-m', 'http.server', '--bind', '127.0.0.1', String(port)],
    async () => {
      try {
        return (await fetch(`http://127.0.0.1:${port}/`)).ok;
      } catch {
        return false;
      }
    },
  );
  await service.stop();
  assert.throws(() => process.kill(service.pid, 0), { code: 'ESRCH' });
});

test('real images are OCI layouts made once', { skip: needs({ commands: ['mmdebstrap', 'umoci'] }) }, async () => {
  const [layout, again] = await Promise.all([realImage('busybox'), realImage('busybox')]);
  assert.equal(layout, again);
  assert.match(await runOk(['umoci', 'list', '--layout', layout]), /^latest$/m);
});

test('a need without a row in the package table is a mistake', () => {
  assert.throws(() => needs({ commands: ['no-such-program-anywhere'] }), /no row in scripts\/packages.txt/);
});

test('run-tests accuses: failure, crash, hang, no test at all, avoidable skip, process left behind', async () => {
  const directory = temporaryDirectory();
  const write = (name: string, text: string): string => {
    const path = join(directory, `${name}.test.ts`);
    writeFileSync(path, `import { after, before, describe, test } from 'node:test';\n${text}`);
    return path;
  };
  const runFile = async (path: string): Promise<{ readonly last: string; readonly status: number | null }> => {
    // Without this variable's absence the inner run takes itself for a test file of the outer one.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout, status } = await run([join(root, 'scripts/run-tests'), path], { env: onlyStrings(env) });
    return { last: stdout.trimEnd().split('\n').at(-1) ?? '', status };
  };
  assert.deepEqual(await runFile(write('good', `test('a', () => {}); test('b', () => {});`)), {
    last: '2 passed, 0 failed, 0 skipped',
    status: 0,
  });
  assert.deepEqual(await runFile(write('bad', `test('a', () => { throw new Error('x'); });`)), {
    last: '0 passed, 1 failed, 0 skipped',
    status: 1,
  });
  assert.equal((await runFile(write('crash', 'process.exit(0);'))).status, 1);
  assert.equal((await runFile(write('empty', ''))).status, 1);
  assert.equal((await runFile(write('kernel', `test('a', { skip: 'machine: no GPU' }, () => {});`))).status, 1);
  assert.deepEqual(
    await runFile(write('gpu', `test('a', { skip: 'machine: no GPU' }, () => {}); test('b', () => {});`)),
    {
      last: '1 passed, 0 failed, 1 skipped',
      status: 0,
    },
  );
  if (needs({ root: true }) === false) {
    const lazy = write('lazy', `test('a', { skip: 'install: skopeo missing' }, () => {}); test('b', () => {});`);
    assert.equal((await runFile(lazy)).status, 1);
    const messy = write(
      'messy',
      `import { acquireTestUser } from '${root}/test/support/user.ts';
       test('a', async () => {
         const user = await acquireTestUser({ patienceMs: 300, prefix: '/usr' });
         await user.run(['sh', '-c', 'sleep 20 >/dev/null 2>&1 &']);
       });`,
    );
    assert.equal((await runFile(messy)).status, 1);
  }
});

function onlyStrings(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
}

describe('what a before hook asked for', () => {
  let folder = '';
  before(async () => {
    folder = temporaryDirectory();
    await runOk(['true']);
  });
  test('is there during the first test', () => assert.ok(existsSync(folder)));
  test('and during the next', () => assert.ok(existsSync(folder)));
  after(() => {
    // Registered before the hook ran, hence also done before the directory is removed.
    process.once('exit', () => assert.ok(!existsSync(folder), `${folder} was left`));
  });
});
