// SPDX-License-Identifier: Apache-2.0
// One place of an image (a registry's own, or a mirror's) as its source: the client side of the OCI distribution
// specification v1.1.
import type { Emit, ImageReference, Platform, PullEvent } from '../../model/index.ts';
import { type Clock, systemClock } from '../../sys/clock.ts';
import { createHttpClient } from '../../sys/http.ts';
import type { ProxySettings } from '../../sys/proxies.ts';
import type { TlsMaterial } from '../../sys/tls-material.ts';
import type { ImageSource } from '../types.ts';
import { type ArtifactReader, createArtifactReader } from './artifacts.ts';
import type { CredentialLookup } from './credentials.ts';
import { listTags } from './list-tags.ts';
import { registryAddresses } from './endpoint.ts';
import { type ForeignLayers, openBlob } from './open-blob.ts';
import { type Resolution, resolveImage } from './resolve-image.ts';
import { createSession } from './session.ts';
import { defaultLimits, type RegistryLimits } from './settings.ts';
import { createThrottle } from './throttle.ts';

export type PlaceOptions = {
  readonly reference: ImageReference;
  readonly platform: Platform;
  readonly credentials: CredentialLookup;
  /** Speaks HTTP without TLS, credentials included. Loopback addresses need no asking. */
  readonly plainHttp?: boolean;
  /** Checks no certificate of this registry, and speaks HTTP where it has no TLS. */
  readonly isInsecure?: boolean;
  /** Whether layers that the registry may not distribute are fetched from the addresses that the image names. */
  readonly foreignLayers?: ForeignLayers;
  /** `retrying` and `warning` only; what a pull as a whole has to say is its own. */
  readonly emit: Emit<PullEvent>;
  readonly userAgent: string;
  readonly limits?: Partial<RegistryLimits>;
  readonly proxy?: ProxySettings;
  /** For each host (`name[:port]`) that is spoken to by TLS: what it needs beyond the machine's authorities. */
  readonly tlsFor?: (host: string) => TlsMaterial;
  readonly clock?: Clock;
  /** From 0 up to, not including, 1; spreads retries. */
  readonly random?: () => number;
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
  const { proxy } = options;
  const throttle = limits.bytesPerSecond === undefined ? undefined : createThrottle(limits.bytesPerSecond, clock);
  const client = createHttpClient({
    userAgent: options.userAgent,
    connectTimeoutMs: limits.connectTimeoutMs,
    answerTimeoutMs: limits.answerTimeoutMs,
    stallTimeoutMs: limits.stallTimeoutMs,
    connectionsPerOrigin: limits.connectionsPerOrigin,
    ...(proxy === undefined ? {} : { proxy }),
    tlsFor: (host) => materialFor(host, options),
  });
  const session = createSession({
    reference: options.reference,
    credentials: options.credentials,
    plainHttp: options.plainHttp ?? false,
    isInsecure: options.isInsecure ?? false,
    client,
    limits,
    clock,
    random: options.random ?? Math.random,
    emit: options.emit,
  });
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

/** The registry's own authorities also count for its token server and its storage: a site has one for all three. */
function materialFor(host: string, options: PlaceOptions): TlsMaterial {
  const { registry } = options.reference;
  const material = options.tlsFor?.(host) ?? {};
  const isRegistry = registryAddresses(registry, false).some((address) => address.host === host);
  if (!isRegistry) {
    const authorities = [...(material.authorities ?? []), ...(options.tlsFor?.(registry).authorities ?? [])];
    return { ...material, authorities };
  }
  return options.isInsecure === true ? { ...material, skipsCertificateCheck: true } : material;
}
