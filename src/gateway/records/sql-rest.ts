// SPDX-License-Identifier: Apache-2.0
// Whose tags they are, metrics, shared settings, and moving house, by SQL.
import { flightName, recordOfRow, rowOfRecord } from './rows.ts';
import { noteChanges } from './sql-changes.ts';
import { detachTag, type SqlContext } from './sql-context.ts';
import type { Records } from './types.ts';

export function sqlRest({
  database,
  transact,
}: SqlContext): Pick<
  Records,
  | 'tagOwner'
  | 'ownImages'
  | 'shareTag'
  | 'removeTag'
  | 'addMetrics'
  | 'lastMetrics'
  | 'pruneMetrics'
  | 'setting'
  | 'exportAll'
  | 'importRecord'
> {
  return {
    tagOwner: async ({ system, itype, tag }) => {
      const row = await database
        .selectFrom('tags')
        .select('owner_uid')
        .where('system', '=', system)
        .where('itype', '=', itype)
        .where('tag', '=', tag)
        .executeTakeFirst();
      return row?.owner_uid;
    },
    ownImages: async (system, uid) => {
      const rows = await database
        .selectFrom('tags')
        .select(['image_key', 'owner_uid'])
        .where('system', '=', system)
        .where('image_key', 'in', (query) =>
          query
            .selectFrom('tags as own')
            .select('own.image_key')
            .where('own.system', '=', system)
            .where('own.owner_uid', '=', uid),
        )
        .execute();
      const shared = new Set(rows.filter(({ owner_uid: owner }) => owner !== uid).map(({ image_key: key }) => key));
      return new Set(rows.map(({ image_key: key }) => key).filter((key) => !shared.has(key)));
    },
    shareTag: async ({ system, itype, tag }) => {
      await database
        .updateTable('tags')
        .set({ owner_uid: null })
        .where('system', '=', system)
        .where('itype', '=', itype)
        .where('tag', '=', tag)
        .execute();
    },
    removeTag: async (name) =>
      await transact(async (queries) => {
        const key = await detachTag(queries, name);
        if (key === undefined) return undefined;
        await noteChanges(queries, name.system, [key]);
        const row = await queries.selectFrom('images').selectAll().where('key', '=', key).executeTakeFirst();
        return row === undefined ? undefined : recordOfRow(row);
      }),
    addMetrics: async (rows) => {
      const values = rows.map(({ user, uid, system, type, tag, id, time }) => {
        return { user_name: user, uid, system, itype: type, tag, image_id: id, time };
      });
      // Both databases bound the parameters of one statement: SQLite at 32,766.
      await transact(async (queries) => {
        for (let at = 0; at < values.length; at += 1000) {
          await queries
            .insertInto('metrics')
            .values(values.slice(at, at + 1000))
            .execute();
        }
      });
    },
    lastMetrics: async (system, limit) => {
      const rows = await database
        .selectFrom('metrics')
        .selectAll()
        .where('system', '=', system)
        .orderBy('time', 'desc')
        .limit(limit)
        .execute();
      return rows
        .map(({ user_name: user, uid, itype: type, tag, image_id: id, time }) => {
          return { user, uid, system, type, tag, id, time };
        })
        .reverse();
    },
    pruneMetrics: async (before) => {
      await database.deleteFrom('metrics').where('time', '<', before).execute();
    },
    setting: async (name, first) => {
      await database
        .insertInto('settings')
        .values({ name, value: first })
        .onConflict((conflict) => conflict.column('name').doNothing())
        .execute();
      const { value } = await database
        .selectFrom('settings')
        .select('value')
        .where('name', '=', name)
        .executeTakeFirstOrThrow();
      return value;
    },
    exportAll: async function* () {
      for (let after = ''; ;) {
        const rows = await database
          .selectFrom('images')
          .selectAll()
          .where('key', '>', after)
          .orderBy('key')
          .limit(500)
          .execute();
        for (const row of rows) {
          const record = recordOfRow(row);
          const owners = await database
            .selectFrom('tags')
            .select(['tag', 'owner_uid'])
            .where('image_key', '=', row.key)
            .execute();
          const byTag = new Map(owners.map(({ tag, owner_uid: owner }) => [tag, owner]));
          yield { ...record, owners: record.tags.map((tag) => byTag.get(tag) ?? null) };
        }
        const last = rows.at(-1);
        if (last === undefined) return;
        after = last.key;
      }
    },
    importRecord: async ({ owners, ...record }) =>
      await transact(async (queries) => {
        const name = { system: record.system, itype: record.itype, tag: record.pullTag };
        const isInFlight = record.job !== null;
        const { numInsertedOrUpdatedRows } = await queries
          .insertInto('images')
          .values({ ...rowOfRecord(record), tags: '[]', flight: isInFlight ? flightName(name) : null })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst();
        if (numInsertedOrUpdatedRows !== 1n) return false;
        const kept: string[] = [];
        for (const [index, tag] of record.tags.entries()) {
          const inserted = await queries
            .insertInto('tags')
            .values({ ...name, tag, image_key: record.key, owner_uid: owners[index] ?? null })
            .onConflict((conflict) => conflict.doNothing())
            .executeTakeFirst();
          if (inserted.numInsertedOrUpdatedRows === 1n) kept.push(tag);
        }
        await queries
          .updateTable('images')
          .set({ tags: JSON.stringify(kept) })
          .where('key', '=', record.key)
          .execute();
        await noteChanges(queries, record.system, [record.key]);
        return true;
      }),
  };
}
