// SPDX-License-Identifier: Apache-2.0
// Records where Shifter's gateway keeps them: `MongoDBURI` and `MongoDB` of its configuration.
import { MongoClient, MongoError, ObjectId } from 'mongodb';
import { again, retrying } from './again.ts';
import { type MongoCollection, type MongoDatabase, mongoRecords, prepareMongo } from './mongo-records.ts';
import type { Records } from './types.ts';

const timeoutMs = 10_000;
const duplicateKey = 11_000;

export async function openMongoRecords(uri: string, databaseName: string): Promise<Records> {
  const client = new MongoClient(uri, {
    appName: 'slipway-gateway',
    serverSelectionTimeoutMS: timeoutMs,
    connectTimeoutMS: timeoutMs,
    retryWrites: !/[?&]retryWrites=/i.test(uri) && /[?&]replicaSet=|mongodb\+srv:/i.test(uri),
  });
  const database = client.db(databaseName);
  const access: MongoDatabase = {
    collection: (name) => database.collection(name) as unknown as MongoCollection,
    // Shifter's records have the server's own ids; ours are UUIDs.
    idOf: (key) => (/^[0-9a-f]{24}$/.test(key) ? new ObjectId(key) : key),
    leaseClock: async () => {
      const { localTime } = (await database.command({ hello: 1 })) as { readonly localTime: Date };
      return localTime.getTime() / 1000;
    },
    isDuplicate: (error) => error instanceof MongoError && error.code === duplicateKey,
    close: () => client.close(),
  };
  try {
    await client.connect();
    await again(isPassing, () => prepareMongo(access));
  } catch (error) {
    await client.close();
    throw error;
  }
  return retrying(mongoRecords(access), isPassing);
}

/** The server goes or comes, or is another one now. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (/has ended meanwhile/.test(error.message)) return true;
  return /^Mongo(?:Network|ServerSelection|NotConnected|PoolCleared)/.test(error.name);
}
