// SPDX-License-Identifier: Apache-2.0
// What every place that keeps records must do, on a real PostgreSQL, and what only shows there: the server goes away and
// comes back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPostgresRecords } from '../../src/gateway/records/open-postgres.ts';
import { contractTests, newPull } from '../../src/gateway/records/testing/contract.ts';
import type { Records } from '../../src/gateway/records/types.ts';
import { needs } from '../support/needs.ts';
import { type Postgres, postgresCommands, startPostgres } from '../support/postgres.ts';

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
