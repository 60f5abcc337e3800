// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { systemClock } from '../../sys/clock.ts';
import { openSqliteRecords } from './open-sqlite.ts';
import { contractTests } from './testing/contract.ts';
import type { Records } from './types.ts';

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const each of cleanUps.splice(0).reverse()) await each();
});

async function open(): Promise<{ readonly one: Records; readonly two: Records }> {
  const directory = mkdtempSync(join(tmpdir(), 'slipway-records-'));
  cleanUps.push(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'gateway.sqlite');
  const one = await openSqliteRecords(path, systemClock);
  const two = await openSqliteRecords(path, systemClock);
  cleanUps.push(
    () => one.close(),
    () => two.close(),
  );
  return { one, two };
}

for (const { title, body } of contractTests()) {
  test(title, async () => {
    const { one, two } = await open();
    await body(one, two);
  });
}
