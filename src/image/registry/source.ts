// SPDX-License-Identifier: Apache-2.0
// A registry as a source of one image: the client side of the OCI distribution specification v1.1.
import type { Emit, ImageReference, Platform, PullEvent } from '../../model/index.ts';
import { type Clock, systemClock } from '../../sys/clock.ts';
import { createHttpClient } from '../../sys/http.ts';
import type { ProxySettings } from '../../sys/proxies.ts';
import type { TlsMaterial } from '../../sys/tls-material.ts';
import type { ImageSource } from '../types.ts';
import type { CredentialLookup } from './credentials.ts';
import { listTags } from './list-tags.ts';
import { openBlob } from './open-blob.ts';
import { type Resolution, resolveImage } from './resolve-image.ts';
import { createSession } from './session.ts';
import { defaultLimits, type RegistryLimits } from './settings.ts';

export type RegistrySourceOptions = {
  readonly reference: ImageReference;
  readonly platform: Platform;
  readonly credentials: CredentialLookup;
  /** Speaks HTTP without TLS, credentials included. Loopback addresses need no asking. */
  readonly plainHttp?: boolean;
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
};

/**
 * The image that `reference` names, for one platform. Nothing is sent before `resolve`, `openBlob` or `listTags`.
 *
 * Refusals by code: `registry-unreachable`, `registry-not-https`, `registry-untrusted`, `registry-denied`,
 * `registry-rate-limited`, `registry-error`; `repository-unknown`, `manifest-unknown`, `blob-unknown`;
 * `platform-missing`, `manifest-unsupported`, `manifest-malformed`, `digest-mismatch`; and those of `credentials`.
 * A body from `openBlob` that breaks fails with an error of the stream: open it again at the offset reached.
 */
export function createRegistrySource(options: RegistrySourceOptions): RegistrySource {
  const limits = { ...defaultLimits, ...options.limits };
  const { proxy, tlsFor } = options;
  const client = createHttpClient({
    userAgent: options.userAgent,
    connectTimeoutMs: limits.connectTimeoutMs,
    answerTimeoutMs: limits.answerTimeoutMs,
    stallTimeoutMs: limits.stallTimeoutMs,
    connectionsPerOrigin: limits.connectionsPerOrigin,
    ...(proxy === undefined ? {} : { proxy }),
    ...(tlsFor === undefined ? {} : { tlsFor }),
  });
  const session = createSession({
    reference: options.reference,
    credentials: options.credentials,
    plainHttp: options.plainHttp ?? false,
    client,
    limits,
    clock: options.clock ?? systemClock,
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
    openBlob: async (layer, offsetBytes, signal) =>
      await openBlob(session, layer, offsetBytes, { foreignUrls: foreignUrls.get(layer.digest) ?? [], signal }),
    listTags: async (signal) => await listTags(session, signal),
    close: session.close,
  };
}
