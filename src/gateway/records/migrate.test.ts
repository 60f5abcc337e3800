// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../sys/clock.ts';
import { migrateRecords } from './migrate.ts';
import { openRecords } from './open-records.ts';
import { newPull, pullDone } from './testing/contract.ts';

test('records move, once, with their tags and owners; what is in flight stays', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'slipway-migrate-'));
  try {
    const [from, to] = [`sqlite:${directory}/a`, `sqlite:${directory}/b`];
    const source = await openRecords(from, '', systemClock);
    await pullDone(source, {}, 'abc');
    await pullDone(source, { pullTag: 'debian:latest' }, 'abc');
    await pullDone(source, { pullTag: 'other:1' }, 'def');
    await source.startPull(newPull({ pullTag: 'waiting:1' }));
    await source.close();
    const options = { databaseName: '', clock: systemClock, signal: AbortSignal.timeout(30_000) };
    assert.deepEqual(await migrateRecords(from, to, options), { copied: 2, present: 0, inFlight: 1 });
    assert.deepEqual(await migrateRecords(from, to, options), { copied: 0, present: 2, inFlight: 1 });
    const target = await openRecords(to, '', systemClock);
    const ready = await target.listReady('perlmutter');
    assert.deepEqual(
      new Map(ready.map(({ facts, tags }) => [facts?.id, tags.length])),
      new Map([
        ['abc', 2],
        ['def', 1],
      ]),
    );
    assert.equal(await target.tagOwner({ system: 'perlmutter', itype: 'docker', tag: 'debian:latest' }), 1000);
    await target.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
});
