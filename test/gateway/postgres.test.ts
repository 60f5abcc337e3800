// SPDX-License-Identifier: Apache-2.0
// What every place that keeps records must do, on a real PostgreSQL, and what only shows there: the server goes away and
// comes back.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { migrateRecords } from '../../src/gateway/records/migrate.ts';
import { openPostgresRecords } from '../../src/gateway/records/open-postgres.ts';
import { openRecords } from '../../src/gateway/records/open-records.ts';
import { contractTests, newPull, pullDone } from '../../src/gateway/records/testing/contract.ts';
import type { ImageRecord, Records } from '../../src/gateway/records/types.ts';
import { systemClock } from '../../src/sys/clock.ts';
import { needs } from '../support/needs.ts';
import { type Postgres, postgresCommands, startPostgres } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const skip = needs({ commands: postgresCommands, root: true });
const opened: Records[] = [];
let postgres: Postgres;

before(async () => {
  if (skip === false) postgres = await startPostgres();
});
after(async () => {
  for (const each of opened) await each.close();
});

async function open(): Promise<{ readonly one: Records; readonly two: Records }> {
  const uri = await postgres.createDatabase();
  // Both at once: of two gateways that start together one makes the tables.
  const [one, two] = await Promise.all([openPostgresRecords(uri), openPostgresRecords(uri)]);
  opened.push(one, two);
  return { one, two };
}

for (const { title, body } of contractTests()) {
  test(title, { skip }, async () => {
    const { one, two } = await open();
    await body(one, two);
  });
}

test('records move between SQLite and PostgreSQL, there and back', { skip }, async () => {
  const uri = await postgres.createDatabase();
  const files = ['first', 'second'].map((name) => `sqlite:${join(temporaryDirectory(), name)}`);
  const [first = '', second = ''] = files;
  const source = await openRecords(first, '', systemClock);
  await pullDone(source, {}, 'abc');
  await pullDone(source, { pullTag: 'debian:latest', requesterUid: 2_000_000_000 }, 'abc');
  await pullDone(source, { pullTag: 'other:1', userAcl: [1000], groupAcl: [4_000_000_000] }, 'def');
  await source.startPull(newPull({ pullTag: 'waiting:1' }));
  const before = await everything(source);
  await source.close();
  const options = { databaseName: '', clock: systemClock, signal: new AbortController().signal };
  assert.deepEqual(await migrateRecords(first, uri, options), { copied: 2, present: 0, inFlight: 1 });
  assert.deepEqual(await migrateRecords(first, uri, options), { copied: 0, present: 2, inFlight: 1 });
  assert.deepEqual(await migrateRecords(uri, second, options), { copied: 2, present: 0, inFlight: 0 });
  for (const place of [uri, second]) {
    const moved = await openRecords(place, '', systemClock);
    assert.deepEqual(await everything(moved), before);
    assert.equal(await moved.tagOwner({ system: 'perlmutter', itype: 'docker', tag: 'debian:latest' }), 2_000_000_000);
    assert.equal((await moved.readyChanges('perlmutter', undefined)).ready.length, 2);
    await moved.close();
  }
});

/** READY images by their keys. */
async function everything(records: Records): Promise<ReadonlyMap<string, ImageRecord>> {
  return new Map((await records.listReady('perlmutter')).map((record) => [record.key, record]));
}

test('the server may be restarted under load', { skip }, async () => {
  const { one, two } = await open();
  const over = new AbortController();
  const started: string[] = [];
  const work = async (records: Records, index: number): Promise<void> => {
    for (let round = 0; !over.signal.aborted; round += 1) {
      await records.startPull(newPull({ pullTag: `t${index}:${round}` }));
      started.push(`t${index}:${round}`);
    }
  };
  const workers = [...Array(8).keys()].map((index) => work(index % 2 === 0 ? one : two, index));
  for (let count = 0; count < 2; count += 1) {
    const wanted = started.length + 20;
    while (started.length < wanted) await new Promise((resolve) => setTimeout(resolve, 10));
    await postgres.restart();
  }
  over.abort();
  await Promise.all(workers);
  assert.equal((await one.listUnfinished(undefined)).length, started.length);
});
