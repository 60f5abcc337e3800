// SPDX-License-Identifier: Apache-2.0
// Reading records, and adding pulls, by SQL.
import { pendingRecord } from './pending-record.ts';
import { flightName, recordOfRow, rowOfRecord } from './rows.ts';
import { noteChanges, noteRemovals } from './sql-changes.ts';
import type { SqlContext } from './sql-context.ts';
import type { ImageRecord, ImageStatus, Records } from './types.ts';

const notAttempts = ['READY', 'EXPIRING'] as const;
const unfinished = [
  'PENDING',
  'PULLING',
  'EXAMINATION',
  'CONVERSION',
  'TRANSFER',
  'HASHING',
  'FAILURE',
  'EXPIRING',
] as const satisfies readonly ImageStatus[];

export function sqlPulls({
  database,
  transact,
}: SqlContext): Pick<
  Records,
  | 'findReady'
  | 'findAttempt'
  | 'get'
  | 'listUnfinished'
  | 'startPull'
  | 'startExpiry'
  | 'listExpired'
  | 'setExpirations'
  | 'purgeFailures'
> {
  return {
    findReady: async ({ system, itype, tag }) => {
      const row = await database
        .selectFrom('tags')
        .innerJoin('images', 'images.key', 'tags.image_key')
        .selectAll('images')
        .where('tags.system', '=', system)
        .where('tags.itype', '=', itype)
        .where('tags.tag', '=', tag)
        .where('images.status', '=', 'READY')
        .executeTakeFirst();
      return row === undefined ? undefined : recordOfRow(row);
    },
    findAttempt: async ({ system, itype, tag }) => {
      const rows = await database
        .selectFrom('images')
        .selectAll()
        .where('system', '=', system)
        .where('itype', '=', itype)
        .where('pull_tag', '=', tag)
        .where('status', 'not in', notAttempts)
        .execute();
      return rows.map(recordOfRow).sort(byPrecedence)[0];
    },
    get: async (key) => {
      const row = await database.selectFrom('images').selectAll().where('key', '=', key).executeTakeFirst();
      return row === undefined ? undefined : recordOfRow(row);
    },
    listUnfinished: async (system) => {
      // By name, not by exclusion: the index leads to these, past all that is READY.
      const all = database.selectFrom('images').selectAll().where('status', 'in', unfinished);
      const some = system === undefined ? all : all.where('system', '=', system);
      return (await some.orderBy('queued').limit(10_000).execute()).map(recordOfRow);
    },
    startPull: async (pull) => {
      const name = { system: pull.system, itype: pull.itype, tag: pull.pullTag };
      const record = pendingRecord(pull);
      return await transact(async (queries) => {
        const { numInsertedOrUpdatedRows } = await queries
          .insertInto('images')
          .values({
            ...rowOfRecord(record),
            flight: flightName(name),
            sealed_credentials: pull.sealedCredentials,
          })
          .onConflict((conflict) => conflict.column('flight').doNothing())
          .executeTakeFirst();
        if (numInsertedOrUpdatedRows !== 1n) {
          const row = await queries
            .selectFrom('images')
            .selectAll()
            .where('flight', '=', flightName(name))
            .executeTakeFirst();
          // It came and went between the two questions: the transaction is begun anew.
          if (row === undefined) throw new Error('a pull in flight has ended meanwhile');
          return { record: recordOfRow(row), isNew: false };
        }
        const removed = await queries
          .deleteFrom('images')
          .where('system', '=', name.system)
          .where('itype', '=', name.itype)
          .where('pull_tag', '=', name.tag)
          .where('key', '!=', record.key)
          .where('job', 'is', null)
          .where((where) =>
            where.or([
              where('status', '=', 'FAILURE'),
              where.and([where('status', '=', 'EXPIRED'), where('tags', '=', '[]')]),
            ]),
          )
          .returning(['system', 'changed'])
          .execute();
        await noteRemovals(queries, removed);
        return { record, isNew: true };
      });
    },
    startExpiry: async (key, now) =>
      await transact(async (queries) => {
        const row = await queries
          .updateTable('images')
          .set({ status: 'EXPIRING', job: 'expire', queued: now, ready: null, attempts: 0 })
          .where('key', '=', key)
          .where('status', '=', 'READY')
          .returning('system')
          .executeTakeFirst();
        if (row !== undefined) await noteChanges(queries, row.system, [key]);
        return row !== undefined;
      }),
    listExpired: async (system, now) => {
      const rows = await database
        .selectFrom('images')
        .selectAll()
        .where('system', '=', system)
        .where('status', '=', 'READY')
        .where('expiration', '<', now)
        .execute();
      return rows.map(recordOfRow);
    },
    setExpirations: async (expirations) => {
      await transact(async (queries) => {
        for (const [key, expiration] of expirations) {
          await queries
            .updateTable('images')
            .set({ expiration })
            .where('key', '=', key)
            .where('status', '=', 'READY')
            .execute();
        }
      });
    },
    purgeFailures: async ({ before, after }) => {
      const purged = database
        .selectFrom('images')
        .select('key')
        .where('status', '=', 'FAILURE')
        .where('job', 'is', null)
        .where((where) => where.or([where('last_pull', '<', before), where('last_pull', '>', after)]));
      // Asked with every poll, and mostly there is none: then nothing is to be written.
      if ((await purged.executeTakeFirst()) === undefined) return 0;
      return await transact(async (queries) => {
        const removed = await queries
          .deleteFrom('images')
          .where('key', 'in', purged)
          .returning(['system', 'changed'])
          .execute();
        await noteRemovals(queries, removed);
        return removed.length;
      });
    },
  };
}

export function byPrecedence(left: ImageRecord, right: ImageRecord): number {
  return precedence(left) - precedence(right) || (right.lastPull ?? 0) - (left.lastPull ?? 0);
}

/** In flight, failed, expired. */
function precedence({ status }: ImageRecord): number {
  return status === 'EXPIRED' ? 2 : status === 'FAILURE' ? 1 : 0;
}
