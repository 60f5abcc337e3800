// SPDX-License-Identifier: Apache-2.0
// What has changed among READY images, by SQL: each system counts its changes, and a row says which of them was the last
// that it had part in. The count's row is locked from its change to the end of the transaction (and SQLite has one writer
// anyway): whoever reads a count sees all that belongs to it and to those before.
import { recordOfRow } from './rows.ts';
import type { ImagesTable } from './schema.ts';
import type { Database, Queries, SqlContext } from './sql-context.ts';
import type { ImageRecord, Records } from './types.ts';

/** Rows that are read and parsed in one go: some ten milliseconds, in which nothing else is answered. */
const pageRows = 500;

export function sqlChanges({
  database,
}: Pick<SqlContext, 'database'>): Pick<Records, 'listReady' | 'generation' | 'readyChanges'> {
  const counted = (system: string): Promise<{ generation: number; whole_since: number } | undefined> =>
    database
      .selectFrom('generations')
      .select(['generation', 'whole_since'])
      .where('system', '=', system)
      .executeTakeFirst();
  return {
    listReady: async (system) => await pages(database, system, undefined),
    generation: async (system) => String((await counted(system))?.generation ?? 0),
    readyChanges: async (system, since) => {
      const { generation = 0, whole_since: wholeSince = 0 } = (await counted(system)) ?? {};
      const known = since === undefined ? Number.NaN : Number(since);
      // Removed rows tell nothing; nor does a count that this database has not reached, restored from a copy perhaps.
      const isWhole = !(known >= wholeSince && known <= generation);
      const found = await pages(database, system, isWhole ? undefined : known);
      const ready = found.filter(({ status }) => status === 'READY');
      const gone = found.filter(({ status }) => status !== 'READY').map(({ key }) => key);
      return { generation: String(generation), isWhole, ready, gone };
    },
  };
}

/** READY rows; or, since a count, those that have changed, whatever they are now. */
async function pages(database: Database, system: string, since: number | undefined): Promise<readonly ImageRecord[]> {
  const records: ImageRecord[] = [];
  const all = database.selectFrom('images').selectAll().where('system', '=', system);
  const wanted = since === undefined ? all.where('status', '=', 'READY') : all.where('changed', '>', since);
  for (let after = ''; ;) {
    const rows: readonly ImagesTable[] = await wanted.where('key', '>', after).orderBy('key').limit(pageRows).execute();
    records.push(...rows.map(recordOfRow));
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageRows) return records;
    after = last.key;
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** Counts a change of these images, in the transaction that makes it and after everything else in it. */
export async function noteChanges(queries: Queries, system: string, keys: readonly string[]): Promise<void> {
  const generation = await count(queries, system);
  await queries.updateTable('images').set({ changed: generation }).where('key', 'in', keys).execute();
}

/** Counts the removal of rows, where any of them has ever been READY. */
export async function noteRemovals(
  queries: Queries,
  removed: readonly Pick<ImagesTable, 'system' | 'changed'>[],
): Promise<void> {
  const systems = new Set(removed.filter(({ changed }) => changed > 0).map(({ system }) => system));
  for (const system of [...systems].sort()) {
    const generation = await count(queries, system);
    await queries.updateTable('generations').set({ whole_since: generation }).where('system', '=', system).execute();
  }
}

async function count(queries: Queries, system: string): Promise<number> {
  const { generation } = await queries
    .insertInto('generations')
    .values({ system, generation: 1, whole_since: 0 })
    .onConflict((conflict) =>
      conflict.column('system').doUpdateSet((update) => ({
        generation: update('generations.generation', '+', 1),
      })),
    )
    .returning('generation')
    .executeTakeFirstOrThrow();
  return generation;
}
