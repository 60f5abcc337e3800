// SPDX-License-Identifier: Apache-2.0
// One place of an image (a registry's own, or a mirror's) as its source: the client side of the OCI distribution
// specification v1.1.
import type { Platform } from '../../model/index.ts';
import { systemClock } from '../../sys/clock.ts';
import type { ArtifactReader, ImageSource } from '../types.ts';
import { createArtifactReader } from './artifacts.ts';
import { listTags } from './list-tags.ts';
import { type ForeignLayers, openBlob } from './open-blob.ts';
import { openSession, type SessionSettings } from './open-session.ts';
import { type Resolution, resolveImage } from './resolve-image.ts';
import { defaultLimits } from './settings.ts';
import { createThrottle } from './throttle.ts';

export type PlaceOptions = SessionSettings & {
  readonly platform: Platform;
  /** Whether layers that the registry may not distribute are fetched from the addresses that the image names. */
  readonly foreignLayers?: ForeignLayers;
};

export type RegistrySource = ImageSource & {
  /** The repository's tags; `no-repository` where there is no such repository. */
  readonly listTags: (signal: AbortSignal) => Promise<readonly string[] | 'no-repository'>;
  /** What the repository holds beside the image: signatures. */
  readonly artifacts: ArtifactReader;
};

/** The image at one place. Errors as `createRegistrySource`. */
export function createPlaceSource(options: PlaceOptions): RegistrySource {
  const limits = { ...defaultLimits, ...options.limits };
  const clock = options.clock ?? systemClock;
  const throttle = limits.bytesPerSecond === undefined ? undefined : createThrottle(limits.bytesPerSecond, clock);
  const session = openSession(options);
  let foreignUrls: Resolution['foreignUrls'] = new Map();
  return {
    resolve: async (signal) => {
      const resolution = await resolveImage(
        { session, platform: options.platform, limits, emit: options.emit },
        signal,
      );
      ({ foreignUrls } = resolution);
      return resolution.image;
    },
    openBlob: async (layer, offsetBytes, signal) => {
      const urls = foreignUrls.get(layer.digest) ?? [];
      const opened = await openBlob(session, layer, offsetBytes, {
        foreign: { urls, policy: options.foreignLayers ?? 'refuse' },
        signal,
      });
      return throttle === undefined ? opened : { ...opened, body: throttle(opened.body) };
    },
    listTags: async (signal) => await listTags(session, signal),
    artifacts: createArtifactReader(session, limits),
    close: session.close,
  };
}
