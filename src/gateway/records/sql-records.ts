// SPDX-License-Identifier: Apache-2.0
// Records in an SQL database.
import { type Kysely, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { migrationProvider, type Tables } from './schema.ts';
import { sqlChanges } from './sql-changes.ts';
import type { SqlContext } from './sql-context.ts';
import { sqlJobs } from './sql-jobs.ts';
import { sqlPulls } from './sql-pulls.ts';
import { sqlRest } from './sql-rest.ts';
import type { Records } from './types.ts';

export function sqlRecords(context: SqlContext): Records {
  const { database } = context;
  return {
    kind: context.kind,
    ...sqlChanges(context),
    ...sqlPulls(context),
    ...sqlJobs(context),
    ...sqlRest(context),
    ping: async () => {
      await sql`select 1`.execute(database);
    },
    close: () => database.destroy(),
  };
}

/** Brings the tables up to date; of several processes one does it. @throws what the database says */
export async function migrate(database: Kysely<Tables>): Promise<void> {
  const { error } = await new Migrator({ db: database, provider: migrationProvider }).migrateToLatest();
  if (error !== undefined) throw error;
}
