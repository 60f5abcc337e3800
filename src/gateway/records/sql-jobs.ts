// SPDX-License-Identifier: Apache-2.0
// Handing out work and taking its results, by SQL. Every write names the token of its lease.
import { randomUUID } from 'node:crypto';
import { columnsOfChanges, readyName, recordOfRow } from './rows.ts';
import { noteChanges } from './sql-changes.ts';
import { detachTag, type Queries, type SqlContext } from './sql-context.ts';
import type { FinishedPull, ImageRecord, Records } from './types.ts';

const noLease = { lease_owner: null, lease_token: null, lease_until: null } as const;
/** No lease is for longer. */
const longestLeaseSec = 3600;
/** A job that is over. */
const noJob = { ...noLease, job: null, flight: null, sealed_credentials: null, progress: null } as const;

export function sqlJobs(
  context: SqlContext,
): Pick<
  Records,
  | 'claim'
  | 'renew'
  | 'update'
  | 'finish'
  | 'fail'
  | 'cancel'
  | 'finishExpiry'
  | 'handOver'
  | 'owners'
  | 'releaseOwner'
  | 'isIdShared'
> {
  const { database, transact, leaseClock, kind } = context;
  return {
    claim: async (owner, leaseSec, except = []) =>
      await transact(async (queries) => {
        const now = await leaseClock(queries);
        const free = queries
          .selectFrom('images')
          .select('key')
          .where('job', 'is not', null)
          .where('key', 'not in', except.length === 0 ? [''] : except)
          .where((where) =>
            where.or([
              where('lease_until', 'is', null),
              where('lease_until', '<', now),
              // Written by a clock that has been set back since.
              where('lease_until', '>', now + longestLeaseSec),
            ]),
          )
          .orderBy('queued')
          .limit(1);
        const candidate = await (kind === 'postgresql' ? free.forUpdate().skipLocked() : free).executeTakeFirst();
        if (candidate === undefined) return undefined;
        const token = randomUUID();
        const row = await queries
          .updateTable('images')
          .set((update) => ({
            lease_owner: owner,
            lease_token: token,
            lease_until: now + leaseSec,
            attempts: update('attempts', '+', 1),
          }))
          .where('key', '=', candidate.key)
          .returningAll()
          .executeTakeFirstOrThrow();
        return { record: recordOfRow(row), token, sealedCredentials: row.sealed_credentials };
      }),
    renew: async (key, token, leaseSec) => {
      const leaseUntil = (await leaseClock(database)) + leaseSec;
      const result = await database
        .updateTable('images')
        .set({ lease_until: leaseUntil })
        .where('key', '=', key)
        .where('lease_token', '=', token)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    update: async (key, token, changes) => {
      const result = await database
        .updateTable('images')
        .set(columnsOfChanges(changes))
        .where('key', '=', key)
        .where('lease_token', '=', token)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    finish: async (key, token, result) =>
      await transact(async (queries) => {
        const pull = await held(context, queries, key, token);
        if (pull === undefined) return false;
        await noteChanges(queries, pull.system, await makeReady(queries, pull, result));
        return true;
      }),
    fail: async (key, token, message, now) => {
      const result = await database
        .updateTable('images')
        .set({ ...noJob, status: 'FAILURE', status_message: message, last_heartbeat: now })
        .where('key', '=', key)
        .where('lease_token', '=', token)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    cancel: async (key, { message, lastPull, now }) => {
      const result = await database
        .updateTable('images')
        .set({ ...noJob, status: 'FAILURE', status_message: message, last_pull: lastPull, last_heartbeat: now })
        .where('key', '=', key)
        .where('job', 'in', ['pull', 'import'])
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    finishExpiry: async (key, token) => {
      const result = await database
        .updateTable('images')
        .set({ ...noJob, status: 'EXPIRED' })
        .where('key', '=', key)
        .where('lease_token', '=', token)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    handOver: async (key, token) => {
      // What was interrupted by nobody's fault does not count as an attempt.
      const result = await database
        .updateTable('images')
        .set((update) => ({ ...noLease, attempts: update('attempts', '-', 1) }))
        .where('key', '=', key)
        .where('lease_token', '=', token)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },
    owners: async () => {
      const rows = await database
        .selectFrom('images')
        .select('lease_owner')
        .distinct()
        .where('lease_owner', 'is not', null)
        .execute();
      return rows.flatMap(({ lease_owner: owner }) => (owner === null ? [] : [owner]));
    },
    releaseOwner: async (owner) => {
      await database.updateTable('images').set(noLease).where('lease_owner', '=', owner).execute();
    },
    isIdShared: async (record) => {
      if (record.facts === null) return false;
      const other = await database
        .selectFrom('images')
        .select('key')
        .where('system', '=', record.system)
        .where('image_id', '=', record.facts.id)
        .where('status', '=', 'READY')
        .where('key', '!=', record.key)
        .executeTakeFirst();
      return other !== undefined;
    },
  };
}

/** The record whose job is held with this token; nobody else can change it before the transaction ends. */
async function held(
  { kind }: SqlContext,
  queries: Queries,
  key: string,
  token: string,
): Promise<ImageRecord | undefined> {
  const found = queries.selectFrom('images').selectAll().where('key', '=', key).where('lease_token', '=', token);
  const row = await (kind === 'postgresql' ? found.forUpdate() : found).executeTakeFirst();
  return row === undefined ? undefined : recordOfRow(row);
}

/** The keys of the images that have changed by it. */
async function makeReady(queries: Queries, pull: ImageRecord, result: FinishedPull): Promise<readonly string[]> {
  const { facts } = result;
  const ready = readyName(pull, facts.id);
  const existing = await queries
    .selectFrom('images')
    .select(['key', 'tags'])
    .where('ready', '=', ready)
    .executeTakeFirst();
  const columns = {
    image_id: facts.id,
    facts: JSON.stringify(facts),
    user_acl: acl(result.userAcl),
    group_acl: acl(result.groupAcl),
    is_private: Number(result.isPrivate),
    last_pull: result.now,
    status_message: result.statusMessage,
  };
  const key = existing?.key ?? pull.key;
  const name = { system: pull.system, itype: pull.itype, tag: pull.pullTag };
  const owner = await queries
    .selectFrom('tags')
    .select(['owner_uid', 'image_key'])
    .where('system', '=', name.system)
    .where('itype', '=', name.itype)
    .where('tag', '=', name.tag)
    .executeTakeFirst();
  const earlier = await detachTag(queries, name);
  if (existing !== undefined) {
    await queries.deleteFrom('images').where('key', '=', pull.key).execute();
    await queries.updateTable('images').set(columns).where('key', '=', key).execute();
  } else {
    await queries
      .updateTable('images')
      .set({ ...noJob, ...columns, status: 'READY', ready, last_heartbeat: result.now })
      .where('key', '=', key)
      .execute();
  }
  const row = await queries.selectFrom('images').select('tags').where('key', '=', key).executeTakeFirstOrThrow();
  const tags = [...(JSON.parse(row.tags) as readonly string[]), pull.pullTag];
  await queries
    .updateTable('images')
    .set({ tags: JSON.stringify(tags) })
    .where('key', '=', key)
    .execute();
  // A tag that someone else has pulled before is nobody's own.
  const isOwn = owner === undefined || owner.owner_uid === pull.requesterUid;
  await queries
    .insertInto('tags')
    .values({ ...name, image_key: key, owner_uid: isOwn ? pull.requesterUid : null })
    .execute();
  return earlier === undefined ? [key] : [key, earlier];
}

function acl(ids: readonly number[] | null): string | null {
  return ids === null ? null : JSON.stringify(ids);
}
