// SPDX-License-Identifier: Apache-2.0
// One of several processes that contend for a lock: `lock-worker.ts LOCK LEDGER ROUNDS`. In each round it adds a line
// of its own to LEDGER in a way that loses lines where two do it at once, and says the line on stdout when it is done.
// It fails when it meets another living process inside.
import { mkdirSync, readFileSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { withLock } from '../../src/sys/lock-file.ts';
import { livenessOf, type ProcessIdentity, thisProcess } from '../../src/sys/process-identity.ts';

const [lock = '', ledger = '', rounds = '0'] = process.argv.slice(2);
const signal = new AbortController().signal;
const inside = `${ledger}.inside`;

for (let round = 0; round < Number(rounds); round += 1) {
  await withLock(lock, { what: 'the ledger', signal }, async () => {
    enter();
    const before = readFileSync(ledger, 'utf8');
    await sleep(Math.random() * 2);
    const line = `${process.pid} ${round}`;
    const next = `${ledger}.${process.pid}`;
    writeFileSync(next, `${before}${line}\n`);
    renameSync(next, ledger);
    process.stdout.write(`${line}\n`);
    rmdirSync(inside);
  });
}

/** Marks this process as being inside; a mark that is there must be of one that was killed. */
function enter(): void {
  const who = `${ledger}.who`;
  try {
    mkdirSync(inside);
  } catch {
    const other = JSON.parse(readFileSync(who, 'utf8')) as ProcessIdentity;
    if (livenessOf(other) !== 'gone') throw new Error(`process ${other.pid} is inside as well`);
  }
  writeFileSync(`${who}.${process.pid}`, JSON.stringify(thisProcess()));
  renameSync(`${who}.${process.pid}`, who);
}
