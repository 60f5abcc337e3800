// SPDX-License-Identifier: Apache-2.0
// What is known about a pull at a moment, from the events so far. Pure: the renderers share it.
import { type Digest, type PullEvent, digestHex } from '../../model/index.ts';

export type LayerProgress = {
  readonly digest: Digest;
  readonly totalBytes: number;
  readonly doneBytes: number;
  readonly state: 'waiting' | 'loading' | 'done' | 'present';
};

export type PullProgress = {
  /** As it was asked for; undefined before the first event. */
  readonly reference?: string;
  readonly platform?: string;
  /** In the image's order, and after them blobs that the image did not announce. */
  readonly layers: readonly LayerProgress[];
  readonly conversion?: { readonly doneBytes: number; readonly totalBytes: number };
  readonly waitingFor?: string;
};

export const startOfPull: PullProgress = { layers: [] };

/** The progress after `event`. */
export function afterPullEvent(progress: PullProgress, event: PullEvent): PullProgress {
  // Any sign of life means that the wait for a lock is over.
  const { waitingFor: _, ...going } = progress;
  switch (event.type) {
    case 'resolving':
      return { layers: [], reference: event.reference };
    case 'resolved':
      return {
        ...going,
        reference: event.reference,
        platform: event.platform,
        layers: event.layers.map(({ digest, sizeBytes }) => ({
          digest,
          totalBytes: sizeBytes,
          doneBytes: 0,
          state: 'waiting' as const,
        })),
      };
    case 'waiting-for-lock':
      return { ...going, waitingFor: `${event.what} (held by ${event.heldBy})` };
    case 'blob-progress':
      return withLayer(going, event.digest, {
        doneBytes: event.doneBytes,
        totalBytes: event.totalBytes,
        state: 'loading',
      });
    case 'blob-done':
      return withLayer(going, event.digest, {
        doneBytes: event.sizeBytes,
        totalBytes: event.sizeBytes,
        state: event.wasCached ? 'present' : 'done',
      });
    case 'converting':
      return { ...going, conversion: { doneBytes: 0, totalBytes: event.contentBytes } };
    case 'convert-progress':
      return { ...going, conversion: { doneBytes: event.doneBytes, totalBytes: event.totalBytes } };
    case 'already-present':
    case 'retrying':
    case 'verified':
    case 'warning':
    case 'stored':
      return going;
    default:
      throw new Error(`unknown event ${String(event satisfies never)}`);
  }
}

/** Of all layers: what had to be transferred, and what there is in all. */
export function totalOf(progress: PullProgress): {
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly presentBytes: number;
} {
  const sum = (layers: readonly LayerProgress[], of: (layer: LayerProgress) => number): number =>
    layers.reduce((total, layer) => total + of(layer), 0);
  const present = progress.layers.filter((layer) => layer.state === 'present');
  const others = progress.layers.filter((layer) => layer.state !== 'present');
  return {
    doneBytes: sum(others, (layer) => layer.doneBytes),
    totalBytes: sum(others, (layer) => layer.totalBytes),
    presentBytes: sum(present, (layer) => layer.totalBytes),
  };
}

/** Twelve digits, as people compare them. */
export function shortDigest(digest: Digest): string {
  return digestHex(digest).slice(0, 12);
}

function withLayer(progress: PullProgress, digest: Digest, change: Omit<LayerProgress, 'digest'>): PullProgress {
  const layer = { digest, ...change };
  const index = progress.layers.findIndex((candidate) => candidate.digest === digest);
  return { ...progress, layers: index < 0 ? [...progress.layers, layer] : progress.layers.with(index, layer) };
}
