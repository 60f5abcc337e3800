// SPDX-License-Identifier: Apache-2.0
// Moving house: all records of one database into another. What is there already is left as it is, so that it can be done
// again; what is in flight is left out, as its work belongs to the gateway that holds it.
import type { Clock } from '../../sys/clock.ts';
import { openRecords } from './open-records.ts';

export type Migration = { readonly copied: number; readonly present: number; readonly inFlight: number };

/** @throws SlipwayError `gateway-database-failed` */
export async function migrateRecords(
  from: string,
  to: string,
  options: { readonly databaseName: string; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Migration> {
  const { databaseName, clock, signal } = options;
  const source = await openRecords(from, databaseName, clock);
  try {
    const target = await openRecords(to, databaseName, clock);
    try {
      let [copied, present, inFlight] = [0, 0, 0];
      for await (const record of source.exportAll()) {
        signal.throwIfAborted();
        if (!['READY', 'FAILURE', 'EXPIRED'].includes(record.status)) inFlight += 1;
        else if (await target.importRecord({ ...record, job: null })) copied += 1;
        else present += 1;
      }
      return { copied, present, inFlight };
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}
