// SPDX-License-Identifier: Apache-2.0
// Records in MongoDB, without transactions (a site's server is mostly a single one): each step leaves what the next holder
// of the job can go on from, and unique indexes decide between those who do the same at once.
import { randomUUID } from 'node:crypto';
import {
  fieldsOfChanges,
  fieldsOfFacts,
  fieldsOfRecord,
  type MongoDocument,
  recordOfDocument,
} from './mongo-documents.ts';
import { flightName, readyName } from './rows.ts';
import { pendingRecord } from './pending-record.ts';
import { byPrecedence } from './sql-pulls.ts';
import type { FinishedPull, ImageName, ImageRecord, MetricRow, Records } from './types.ts';

export type Filter = Readonly<Record<string, unknown>>;
type Sort = Readonly<Record<string, 1 | -1>>;

/** What is used of the driver's collections. */
export type MongoCollection = {
  readonly find: (
    filter: Filter,
    options?: { readonly sort?: Sort; readonly limit?: number },
  ) => {
    readonly toArray: () => Promise<MongoDocument[]>;
  };
  readonly findOne: (filter: Filter) => Promise<MongoDocument | null>;
  readonly insertOne: (document: MongoDocument) => Promise<unknown>;
  readonly insertMany: (documents: readonly Filter[]) => Promise<unknown>;
  readonly updateOne: (
    filter: Filter,
    update: Filter,
    options?: { readonly upsert?: boolean },
  ) => Promise<{ readonly matchedCount: number }>;
  readonly updateMany: (filter: Filter, update: Filter) => Promise<{ readonly matchedCount: number }>;
  readonly findOneAndUpdate: (
    filter: Filter,
    update: Filter,
    options: { readonly sort?: Sort; readonly returnDocument: 'after' },
  ) => Promise<MongoDocument | null>;
  readonly deleteMany: (filter: Filter) => Promise<{ readonly deletedCount: number }>;
  readonly createIndex: (keys: Sort, options: Filter) => Promise<unknown>;
};

export type MongoDatabase = {
  readonly collection: (name: string) => MongoCollection;
  /** What `_id` a key stands for. */
  readonly idOf: (key: string) => unknown;
  /** Seconds since 1970 by the server's clock. */
  readonly leaseClock: () => Promise<number>;
  readonly isDuplicate: (error: unknown) => boolean;
  readonly close: () => Promise<void>;
};

const ready = { $in: ['READY', 'SUCCESS'] } as const;
const noLease = { lease_owner: null, lease_token: null, lease_until: null } as const;
const noJob = { ...noLease, job: null, flight: null, sealed_credentials: null, progress: null } as const;
const longestLeaseSec = 3600;

/** Indexes that make a pull in flight, and an image of a system, unique. Whatever is no text is not in them. */
export async function prepareMongo({ collection }: MongoDatabase): Promise<void> {
  for (const field of ['flight', 'ready']) {
    await collection('images').createIndex(
      { [field]: 1 },
      { unique: true, partialFilterExpression: { [field]: { $type: 'string' } } },
    );
  }
  await collection('images').createIndex({ system: 1, itype: 1, tag: 1 }, {});
  await collection('images').createIndex({ system: 1, itype: 1, pulltag: 1 }, {});
  await collection('metrics').createIndex({ system: 1, time: 1 }, {});
}

export function mongoRecords(database: MongoDatabase): Records {
  const { idOf, leaseClock, isDuplicate } = database;
  const images = database.collection('images');
  const byKey = (key: string): Filter => ({ _id: idOf(key) });
  const heldBy = (key: string, token: string): Filter => ({ _id: idOf(key), lease_token: token });
  const tagged = ({ system, itype, tag }: ImageName): Filter => ({ system, itype, tag });
  const recordsOf = async (filter: Filter, sort: Sort = { queued: 1 }): Promise<readonly ImageRecord[]> =>
    (await images.find(filter, { sort, limit: 100_000 }).toArray()).map(recordOfDocument);
  const oneOf = async (filter: Filter): Promise<ImageRecord | undefined> => {
    const document = await images.findOne(filter);
    return document === null ? undefined : recordOfDocument(document);
  };
  const bump = async (system: string): Promise<void> => {
    await database
      .collection('slipway_generations')
      .updateOne({ _id: system }, { $inc: { generation: 1 } }, { upsert: true });
  };
  const change = async (filter: Filter, update: Filter): Promise<boolean> =>
    (await images.updateOne(filter, update)).matchedCount === 1;
  const ownersOf = (document: MongoDocument | null): readonly { readonly tag: string; readonly uid: number | null }[] =>
    (document?.['tag_owners'] as { tag: string; uid: number | null }[] | undefined) ?? [];

  const makeReady = async (pull: ImageRecord, token: string, result: FinishedPull): Promise<void> => {
    const { key, system, itype, pullTag: tag } = pull;
    const name = { system, itype, tag };
    const before = await images.findOne({ ...tagged(name), status: ready });
    const owner = ownersOf(before).find((each) => each.tag === tag);
    const isOwn = before === null || owner?.uid === pull.requesterUid;
    const fields = {
      ...fieldsOfFacts(result.facts),
      userACL: result.userAcl,
      groupACL: result.groupAcl,
      private: result.isPrivate,
      last_pull: result.now,
      status_message: result.statusMessage,
    };
    const existing = await oneOf({ system, itype, id: result.facts.id, status: ready });
    const target = existing?.key ?? key;
    await images.updateMany({ ...tagged(name), _id: { $ne: idOf(target) } }, { $pull: { tag, tag_owners: { tag } } });
    await images.updateOne(byKey(target), { $pull: { tag_owners: { tag } } });
    const adding = { $addToSet: { tag, tag_owners: { tag, uid: isOwn ? pull.requesterUid : null } } };
    if (existing === undefined) {
      const state = { ...noJob, status: 'READY', ready: readyName(pull, result.facts.id), last_heartbeat: result.now };
      await images.updateOne(heldBy(key, token), { $set: { ...fields, ...state }, ...adding });
      return;
    }
    await images.updateOne(byKey(target), { $set: fields, ...adding });
    await images.deleteMany(heldBy(key, token));
  };

  return {
    kind: 'mongodb',
    listReady: (system) => recordsOf({ system, status: ready }),
    generation: async (system) => {
      const found = await database.collection('slipway_generations').findOne({ _id: system });
      return JSON.stringify(found?.['generation'] ?? 0);
    },
    // Steps of their own can't be counted like transactions: whatever has changed, all is read.
    readyChanges: async (system) => {
      const counted = await database.collection('slipway_generations').findOne({ _id: system });
      const found = await recordsOf({ system, status: ready });
      return { generation: JSON.stringify(counted?.['generation'] ?? 0), isWhole: true, ready: found, gone: [] };
    },
    findReady: (name) => oneOf({ ...tagged(name), status: ready }),
    findAttempt: async ({ system, itype, tag }) => {
      const filter = { system, itype, pulltag: tag, status: { $nin: ['READY', 'SUCCESS', 'EXPIRING'] } };
      return (await recordsOf(filter)).toSorted(byPrecedence)[0];
    },
    get: (key) => oneOf(byKey(key)),
    listUnfinished: (system) =>
      recordsOf({ ...(system === undefined ? {} : { system }), status: { $nin: ['READY', 'SUCCESS', 'EXPIRED'] } }),
    startPull: async (pull) => {
      const flight = flightName({ system: pull.system, itype: pull.itype, tag: pull.pullTag });
      const record = pendingRecord(pull);
      const { sealedCredentials: sealed } = pull;
      const document = { ...fieldsOfRecord(record), ...noLease, flight, sealed_credentials: sealed, tag_owners: [] };
      try {
        await images.insertOne({ _id: idOf(record.key), ...document });
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        const other = await oneOf({ flight });
        if (other === undefined) throw new Error('a pull in flight has ended meanwhile', { cause: error });
        return { record: other, isNew: false };
      }
      await images.deleteMany({
        system: pull.system,
        itype: pull.itype,
        pulltag: pull.pullTag,
        _id: { $ne: idOf(record.key) },
        job: null,
        $or: [{ status: 'FAILURE' }, { status: 'EXPIRED', tag: [] }],
      });
      return { record, isNew: true };
    },
    startExpiry: async (key, now) => {
      const state = { status: 'EXPIRING', job: 'expire', queued: now, attempts: 0, ready: null };
      const found = await images.findOneAndUpdate(
        { ...byKey(key), status: ready },
        { $set: state },
        { returnDocument: 'after' },
      );
      if (found !== null) await bump(recordOfDocument(found).system);
      return found !== null;
    },
    listExpired: (system, now) => recordsOf({ system, status: ready, expiration: { $lt: now } }),
    setExpirations: async (expirations) => {
      for (const [key, expiration] of expirations) {
        await images.updateOne({ ...byKey(key), status: ready }, { $set: { expiration } });
      }
    },
    purgeFailures: async ({ before, after }) => {
      const old = [{ last_pull: { $lt: before } }, { last_pull: { $gt: after } }];
      return (await images.deleteMany({ status: 'FAILURE', job: null, $or: old })).deletedCount;
    },
    claim: async (owner, leaseSec, except = []) => {
      const now = await leaseClock();
      const token = randomUUID();
      const free = [
        { lease_until: null },
        { lease_until: { $lt: now } },
        { lease_until: { $gt: now + longestLeaseSec } },
      ];
      const found = await images.findOneAndUpdate(
        { job: { $ne: null }, _id: { $nin: except.map(idOf) }, $or: free },
        { $set: { lease_owner: owner, lease_token: token, lease_until: now + leaseSec }, $inc: { attempts: 1 } },
        { sort: { queued: 1 }, returnDocument: 'after' },
      );
      if (found === null) return undefined;
      const sealed = found['sealed_credentials'];
      return { record: recordOfDocument(found), token, sealedCredentials: typeof sealed === 'string' ? sealed : null };
    },
    renew: async (key, token, leaseSec) =>
      await change(heldBy(key, token), { $set: { lease_until: (await leaseClock()) + leaseSec } }),
    update: (key, token, changes) => change(heldBy(key, token), { $set: fieldsOfChanges(changes) }),
    finish: async (key, token, result) => {
      const pull = await oneOf(heldBy(key, token));
      if (pull === undefined) return false;
      try {
        await makeReady(pull, token, result);
      } catch (error) {
        // Another job has made the same image READY in between: now it is there to be found.
        if (!isDuplicate(error)) throw error;
        await makeReady(pull, token, result);
      }
      await bump(pull.system);
      return true;
    },
    fail: (key, token, message, now) =>
      change(heldBy(key, token), {
        $set: { ...noJob, status: 'FAILURE', status_message: message, last_heartbeat: now },
      }),
    cancel: (key, { message, lastPull, now }) =>
      change(
        { ...byKey(key), job: { $in: ['pull', 'import'] } },
        { $set: { ...noJob, status: 'FAILURE', status_message: message, last_pull: lastPull, last_heartbeat: now } },
      ),
    finishExpiry: (key, token) => change(heldBy(key, token), { $set: { ...noJob, status: 'EXPIRED' } }),
    handOver: (key, token) => change(heldBy(key, token), { $set: noLease, $inc: { attempts: -1 } }),
    owners: async () => {
      const found = await images.find({ job: { $ne: null }, lease_owner: { $ne: null } }).toArray();
      return [...new Set(found.map((each) => each['lease_owner']))].filter((owner) => typeof owner === 'string');
    },
    releaseOwner: async (owner) => {
      await images.updateMany({ lease_owner: owner }, { $set: noLease });
    },
    isIdShared: async ({ key, system, facts }) =>
      facts !== null &&
      (await images.findOne({ system, id: facts.id, status: ready, _id: { $ne: idOf(key) } })) !== null,
    tagOwner: async (name) => {
      const found = await images.findOne(tagged(name));
      if (found === null) return undefined;
      return ownersOf(found).find(({ tag }) => tag === name.tag)?.uid ?? null;
    },
    ownImages: async (system, uid) => {
      const found = await images.find({ system, status: ready }).toArray();
      const own = found.filter((document) => {
        const { tags } = recordOfDocument(document);
        const owners = new Map(ownersOf(document).map((each) => [each.tag, each.uid]));
        return tags.length > 0 && tags.every((tag) => owners.get(tag) === uid);
      });
      return new Set(own.map(({ _id: id }) => String(id)));
    },
    shareTag: async (name) => {
      await images.updateOne(tagged(name), { $pull: { tag_owners: { tag: name.tag } } });
    },
    removeTag: async (name) => {
      const { tag } = name;
      const update = { $pull: { tag, tag_owners: { tag } } };
      const found = await images.findOneAndUpdate(tagged(name), update, { returnDocument: 'after' });
      if (found === null) return undefined;
      await bump(name.system);
      return recordOfDocument(found);
    },
    addMetrics: async (rows) => {
      if (rows.length > 0) await database.collection('metrics').insertMany(rows.map((row) => ({ ...row })));
    },
    lastMetrics: async (system, limit) => {
      const rows = await database
        .collection('metrics')
        .find({ system }, { sort: { time: -1 }, limit })
        .toArray();
      return rows
        .map(({ user, uid, type, tag, id, time }) => ({ user, uid, system, type, tag, id, time }) as MetricRow)
        .reverse();
    },
    pruneMetrics: async (before) => {
      await database.collection('metrics').deleteMany({ time: { $lt: before } });
    },
    setting: async (name, first) => {
      const settings = database.collection('slipway_settings');
      await settings.updateOne({ _id: name }, { $setOnInsert: { value: first } }, { upsert: true });
      return String((await settings.findOne({ _id: name }))?.['value']);
    },
    exportAll: async function* () {
      for (const document of await images.find({}).toArray()) {
        const record = recordOfDocument(document);
        const owners = new Map(ownersOf(document).map((each) => [each.tag, each.uid]));
        yield { ...record, owners: record.tags.map((tag) => owners.get(tag) ?? null) };
      }
    },
    importRecord: async ({ owners, ...record }) => {
      const { system, itype } = record;
      const tags: string[] = [];
      for (const tag of record.tags) if ((await images.findOne({ system, itype, tag })) === null) tags.push(tag);
      const isReady = record.status === 'READY' && record.facts !== null;
      const fields = {
        ...fieldsOfRecord({ ...record, tags }),
        ...noLease,
        tag_owners: tags.map((tag) => ({ tag, uid: owners[record.tags.indexOf(tag)] ?? null })),
        flight: record.job === null ? null : flightName({ system, itype, tag: record.pullTag }),
        ready: isReady ? readyName(record, record.facts?.id ?? '') : null,
      };
      try {
        await images.insertOne({ _id: idOf(record.key), ...fields });
      } catch (error) {
        if (isDuplicate(error)) return false;
        throw error;
      }
      await bump(system);
      return true;
    },
    ping: async () => void (await leaseClock()),
    close: database.close,
  };
}
