// SPDX-License-Identifier: Apache-2.0
// The events of a pull, added up to what a record shows.
import type { PullEvent } from '../../model/index.ts';
import type { Progress } from '../records/types.ts';

export type ProgressCounter = {
  /** Whether the event changed anything. */
  readonly note: (event: PullEvent) => boolean;
  readonly progress: () => Progress;
};

export function createProgressCounter(): ProgressCounter {
  const layers = new Map<string, { doneBytes: number; totalBytes: number }>();
  return {
    note: (event) => {
      if (event.type === 'resolved') {
        for (const { digest, sizeBytes } of event.layers) layers.set(digest, { doneBytes: 0, totalBytes: sizeBytes });
      } else if (event.type === 'blob-progress') {
        layers.set(event.digest, { doneBytes: event.doneBytes, totalBytes: event.totalBytes });
      } else if (event.type === 'blob-done') {
        layers.set(event.digest, { doneBytes: event.sizeBytes, totalBytes: event.sizeBytes });
      } else {
        return false;
      }
      return true;
    },
    progress: () => {
      const all = [...layers].map(([digest, { doneBytes, totalBytes }]) => ({ digest, doneBytes, totalBytes }));
      return {
        doneBytes: all.reduce((sum, { doneBytes }) => sum + doneBytes, 0),
        totalBytes: all.reduce((sum, { totalBytes }) => sum + totalBytes, 0),
        layers: all,
      };
    },
  };
}
