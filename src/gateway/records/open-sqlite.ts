// SPDX-License-Identifier: Apache-2.0
// Records in one file beside the gateway: the default, with nothing to install.
import { Kysely, SqliteDialect } from 'kysely';
import type { Clock } from '../../sys/clock.ts';
import { openSqlite } from '../../sys/sqlite.ts';
import { again, retrying } from './again.ts';
import type { Tables } from './schema.ts';
import { migrate, sqlRecords } from './sql-records.ts';
import type { Records } from './types.ts';

/** Opens the file, or makes it, and brings its tables up to date. Leases go by `clock`. */
export async function openSqliteRecords(path: string, clock: Clock): Promise<Records> {
  const database = new Kysely<Tables>({ dialect: new SqliteDialect({ database: openSqlite(path) }) });
  await again(isBusy, () => migrate(database));
  const records = sqlRecords({
    kind: 'sqlite',
    database,
    leaseClock: () => Promise.resolve(clock.now().getTime() / 1000),
    transact: (work) => database.transaction().execute(work),
  });
  return retrying(records, isBusy);
}

/** Another process's transaction was in the way of one that had begun by reading (SQLITE_BUSY, SQLITE_BUSY_SNAPSHOT). */
function isBusy(error: unknown): boolean {
  return error instanceof Error && /database is locked|has ended meanwhile/.test(error.message);
}
