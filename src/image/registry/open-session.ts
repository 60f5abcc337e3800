// SPDX-License-Identifier: Apache-2.0
// A session as this machine's settings have it: its connections, certificates and proxies.
import type { Emit, ImageReference, PullEvent } from '../../model/index.ts';
import { type Clock, systemClock } from '../../sys/clock.ts';
import { createHttpClient } from '../../sys/http.ts';
import type { ProxySettings } from '../../sys/proxies.ts';
import type { TlsMaterial } from '../../sys/tls-material.ts';
import type { CredentialLookup } from './credentials.ts';
import { registryAddresses } from './endpoint.ts';
import { createSession, type RegistrySession } from './session.ts';
import { defaultLimits, type RegistryLimits } from './settings.ts';

export type SessionSettings = {
  readonly reference: ImageReference;
  readonly credentials: CredentialLookup;
  /** Speaks HTTP without TLS, credentials included. Loopback addresses need no asking. */
  readonly plainHttp?: boolean;
  /** Checks no certificate of this registry, and speaks HTTP where it has no TLS. */
  readonly isInsecure?: boolean;
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

/** Sends nothing yet. Its `close` ends the connections. */
export function openSession(settings: SessionSettings): RegistrySession {
  const limits = { ...defaultLimits, ...settings.limits };
  const { proxy } = settings;
  const client = createHttpClient({
    userAgent: settings.userAgent,
    connectTimeoutMs: limits.connectTimeoutMs,
    answerTimeoutMs: limits.answerTimeoutMs,
    stallTimeoutMs: limits.stallTimeoutMs,
    connectionsPerOrigin: limits.connectionsPerOrigin,
    ...(proxy === undefined ? {} : { proxy }),
    tlsFor: (host) => materialFor(host, settings),
  });
  return createSession({
    reference: settings.reference,
    credentials: settings.credentials,
    plainHttp: settings.plainHttp ?? false,
    isInsecure: settings.isInsecure ?? false,
    client,
    limits,
    clock: settings.clock ?? systemClock,
    random: settings.random ?? Math.random,
    emit: settings.emit,
  });
}

/** The registry's own authorities also count for its token server and its storage: a site has one for all three. */
function materialFor(host: string, settings: SessionSettings): TlsMaterial {
  const { registry } = settings.reference;
  const material = settings.tlsFor?.(host) ?? {};
  const isRegistry = registryAddresses(registry, false).some((address) => address.host === host);
  if (!isRegistry) {
    const authorities = [...(material.authorities ?? []), ...(settings.tlsFor?.(registry).authorities ?? [])];
    return { ...material, authorities };
  }
  return settings.isInsecure === true ? { ...material, skipsCertificateCheck: true } : material;
}
