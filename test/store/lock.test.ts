// SPDX-License-Identifier: Apache-2.0
// Locks between real processes, some of which are killed while they hold or wait for one.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type WaitingForLock, withLock } from '../../src/sys/lock-file.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { startWorker, type Worker } from './worker.ts';

function contend(directory: string, processes: number, rounds: number): readonly Worker[] {
  writeFileSync(join(directory, 'ledger'), '');
  const argv = [join(directory, 'a.lock'), join(directory, 'ledger'), String(rounds)];
  return Array.from({ length: processes }, () => startWorker('lock-worker.ts', argv));
}

function ledgerLines(directory: string): readonly string[] {
  return readFileSync(join(directory, 'ledger'), 'utf8').split('\n').slice(0, -1);
}

test('twenty processes that count under a lock lose nothing', async () => {
  const directory = temporaryDirectory();
  for (const worker of contend(directory, 20, 10)) assert.deepEqual(await worker.ended, { status: 0, error: '' });
  const lines = ledgerLines(directory);
  assert.equal(lines.length, 20 * 10);
  assert.equal(new Set(lines).size, 20 * 10);
  assert.equal(
    readdirSync(directory).some((name) => name.includes('.lock')),
    false,
  );
});

test('nothing is lost either, and nobody is stuck, when processes are killed at random', async () => {
  const directory = temporaryDirectory();
  const rounds = 10_000;
  let workers = [...contend(directory, 6, rounds)];
  const acknowledged: string[] = [];
  for (let kills = 0; kills < 25; kills += 1) {
    await sleep(Math.random() * 120);
    const victim = workers.shift()!;
    victim.kill();
    assert.deepEqual(await victim.ended, { status: null, error: '' });
    acknowledged.push(...victim.lines());
    const argv = [join(directory, 'a.lock'), join(directory, 'ledger'), String(rounds)];
    workers.push(startWorker('lock-worker.ts', argv));
  }
  // Whoever is left goes on: the lock has not been lost with one of the dead.
  const before = ledgerLines(directory).length;
  while (ledgerLines(directory).length < before + 20) await sleep(10);
  for (const worker of workers) {
    worker.kill();
    assert.deepEqual(await worker.ended, { status: null, error: '' });
    acknowledged.push(...worker.lines());
  }
  workers = [];
  const lines = new Set(ledgerLines(directory));
  assert.ok(acknowledged.length >= 20);
  for (const line of acknowledged) assert.ok(lines.has(line), `${line} was lost`);
});

test('the lock of a killed process is taken over, and who waits is told who held it', async () => {
  const directory = temporaryDirectory();
  const [worker] = contend(directory, 1, 100_000);
  await worker!.until((lines) => lines.length > 0);
  // Stopped, it may hold the lock or not: kill it in the moment that it does.
  const lock = join(directory, 'a.lock');
  for (;;) {
    worker!.child.kill('SIGSTOP');
    await sleep(10);
    if (readdirSync(directory).includes('a.lock') && readdirSync(lock).length > 0) break;
    worker!.child.kill('SIGCONT');
    await sleep(3);
  }
  const events: WaitingForLock[] = [];
  const emit = (event: WaitingForLock): void => {
    events.push(event);
    worker!.kill();
  };
  await withLock(lock, { what: 'the ledger', signal: new AbortController().signal, emit }, async () => undefined);
  assert.equal(events.length, 1);
  assert.match(events[0]!.heldBy, new RegExp(`^process ${worker!.child.pid} on `));
  assert.equal((await worker!.ended).status, null);
});
