// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { after, test } from 'node:test';
import { needs } from '../../test/support/needs.ts';
import { childrenOf, processesWithCommand } from './processes.ts';

const program = `/opt/slipway-test-${process.pid}/server`;
const started: ChildProcess[] = [];
after(() => {
  for (const child of started) child.kill('SIGKILL');
});

/** A process that says what it is, once it has that name. */
async function start(argv: readonly [string, ...string[]]): Promise<number> {
  const [command, ...words] = argv;
  const child = spawn(command, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(child);
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('exit', () => reject(new Error(`${command} ended`)));
  });
  return child.pid ?? 0;
}

const named = (title: string): readonly [string, ...string[]] => [
  'bash',
  '-c',
  `exec -a "${title}" sh -c 'echo; read -r _'`,
];

test('a program is found by its name and by the title of a daemon, and nothing like it', async () => {
  const pids = [await start(named(program)), await start(named(`server: ${program} -D [listener]`))];
  await start(named(`${program}s`));
  await start(named(`server ${program}`));
  assert.deepEqual(new Set(await processesWithCommand(program)), new Set(pids));
  const children = await childrenOf(process.pid);
  assert.ok(pids.every((pid) => children.includes(pid)));
});

test('what runs in another pid namespace is not found', { skip: needs({ userNamespaces: true }) }, async () => {
  const other = `${program}-of-another-node`;
  await start(['unshare', '--user', '--pid', '--fork', '--kill-child', '--', ...named(other)]);
  assert.deepEqual(await processesWithCommand(other), []);
});
