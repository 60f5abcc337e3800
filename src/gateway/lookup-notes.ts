// SPDX-License-Identifier: Apache-2.0
// What a lookup leaves behind: a line of the metrics, and a new date of expiry for the image. Written together every
// second, so that a lookup costs a read and no write.
import type { MetricRow, Records } from './records/types.ts';

export type LookupNotes = {
  readonly metric: (row: MetricRow) => void;
  /** Moves an image's expiry; small steps are not worth a write. */
  readonly expiry: (record: { readonly key: string; readonly expiration: number | null }, expiration: number) => void;
  readonly flush: () => Promise<void>;
};

const mostMetrics = 200_000;
const mostNoted = 100_000;
/** Expiry is a matter of days. */
const stepSec = 60;

export function createLookupNotes(records: Records, onFailure: (error: unknown) => void): LookupNotes {
  let metrics: MetricRow[] = [];
  let expirations = new Map<string, number>();
  // Records come from a cache that knows nothing of these.
  const noted = new Map<string, number>();
  return {
    metric: (row) => {
      // A database that is away for long must not fill the memory.
      if (metrics.length < mostMetrics) metrics.push(row);
    },
    expiry: ({ key, expiration: stored }, expiration) => {
      const held = noted.get(key) ?? stored;
      if (held !== null && expiration >= held && expiration - held < stepSec) return;
      if (noted.size > mostNoted) noted.clear();
      noted.set(key, expiration);
      expirations.set(key, expiration);
    },
    flush: async () => {
      const [rows, moved] = [metrics, expirations];
      metrics = [];
      expirations = new Map();
      try {
        if (rows.length > 0) await records.addMetrics(rows);
        if (moved.size > 0) await records.setExpirations(moved);
      } catch (error) {
        onFailure(error);
      }
    },
  };
}
