// SPDX-License-Identifier: Apache-2.0
// A running gateway: its parts put together, what happens by the clock, reading the configuration anew, and a stop that
// loses nothing.
import type { FastifyInstance } from 'fastify';
import { type DestinationStream, pino } from 'pino';
import { describeError } from '../model/index.ts';
import type { GatewayConfig } from '../site/index.ts';
import type { Clock } from '../sys/clock.ts';
import { ensureDirectory, readFileIfPresent } from '../sys/files.ts';
import { createPeople } from '../sys/people.ts';
import { type AppOptions, createApp } from './api/app.ts';
import { createAuthenticate } from './auth/authenticate.ts';
import { createSeal } from './auth/seal.ts';
import { type GatewayContext, nowSec } from './context.ts';
import { createLookupNotes } from './lookup-notes.ts';
import { createMeters } from './meters.ts';
import { openRecords } from './records/open-records.ts';
import { destinationOf } from './work/destination-of.ts';
import type { JobSettings } from './work/jobs.ts';
import { createQueue, type QueueOptions } from './work/queue.ts';
import { sweepConverted } from './work/sweep-converted.ts';

export type ServeOptions = {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly settings: JobSettings;
  readonly version: string;
  readonly tellsLabels: boolean;
  /** Lines of JSON. */
  readonly logTo: DestinationStream;
  readonly queue?: Omit<QueueOptions, 'settings'>;
};

export type RunningGateway = {
  /** `http://ADDRESS:PORT`. */
  readonly url: string;
  /** Takes over another configuration, and what the files of TLS hold now. @throws where these can't be used: then nothing has changed */
  readonly reconfigure: (config: GatewayConfig) => Promise<void>;
  readonly log: GatewayContext['log'];
  /** Answers what was asked, ends or hands over what runs, and gives everything back. */
  readonly stop: () => Promise<void>;
};

const flushMs = 1000;
const sweepMs = 600_000;
const metricsKeptSec = 400 * 86_400;
const maxPemBytes = 1024 * 1024;

/** Starts the service. @throws SlipwayError `gateway-database-failed`; the system's where it can't listen */
export async function serve(options: ServeOptions): Promise<RunningGateway> {
  let { config } = options;
  const { clock } = options;
  const log = pino(
    { level: config.logLevel, base: { service: 'slipway-gateway' }, redact: ['req.headers.authentication'] },
    options.logTo,
  );
  await ensureDirectory(config.cacheDirectory, { mode: 0o700 });
  const records = await openRecords(config.databaseUri, config.databaseName, clock);
  let kick = (): void => undefined;
  let cancelled = (_key: string): void => undefined;
  const context: GatewayContext = {
    config: () => config,
    records,
    authenticate: createAuthenticate(() => config),
    people: createPeople(clock),
    seal: createSeal(() => config),
    clock,
    log,
    meters: createMeters(),
    lookups: createLookupNotes(records, (error) =>
      log.error({ err: describeError(error) }, 'notes of lookups are lost'),
    ),
    kick: () => kick(),
    cancelled: (key) => cancelled(key),
    version: options.version,
    tellsLabels: options.tellsLabels,
  };
  if (config.authentication === 'mock')
    log.warn('authentication is mock: anyone may claim to be anyone; for tests only');
  const queue = createQueue(context, { settings: options.settings, ...options.queue });
  ({ kick, cancelled } = queue);
  const app = await createApp(context, await tlsOptions(config));
  const sweep = (): void =>
    void sweepAll(context).catch((error: unknown) => log.warn({ err: describeError(error) }, 'sweep'));
  const timers = [setInterval(() => void context.lookups.flush(), flushMs), setInterval(sweep, sweepMs)];
  for (const timer of timers) timer.unref();
  try {
    await app.listen({ host: config.listen.host, port: config.listen.port });
  } catch (error) {
    for (const timer of timers) clearInterval(timer);
    await queue.stop(0);
    await app.close();
    await records.close();
    throw error;
  }
  sweep();
  queue.kick();
  log.info({ listen: addressOf(app, config), records: records.kind, systems: [...config.platforms.keys()] }, 'serving');
  return {
    url: addressOf(app, config),
    log,
    reconfigure: async (next) => {
      const { https } = await tlsOptions(next);
      // A certificate is renewed more often than a gateway is started.
      if (https !== undefined) renewCertificate(app.server, https);
      config = next;
      log.level = next.logLevel;
      log.info({ systems: [...next.platforms.keys()] }, 'configuration read anew');
      queue.kick();
    },
    stop: async () => {
      log.info({ running: queue.runningCount() }, 'stopping');
      for (const timer of timers) clearInterval(timer);
      await app.close();
      await queue.stop(config.stopTimeoutSec * 1000);
      await context.lookups.flush();
      await records.close();
      log.info('stopped');
    },
  };
}

function renewCertificate(server: object, files: NonNullable<AppOptions['https']>): void {
  // Of tls.Server; a listener that was started without TLS has none.
  const { setSecureContext } = server as { readonly setSecureContext?: (files: object) => void };
  setSecureContext?.call(server, files);
}

async function tlsOptions({ tls }: GatewayConfig): Promise<AppOptions> {
  if (tls === undefined) return {};
  const [cert, key] = await Promise.all(
    [tls.certificatePath, tls.keyPath].map((path) => readFileIfPresent(path, { maxBytes: maxPemBytes })),
  );
  if (cert === undefined || key === undefined)
    throw new Error(`TLS: ${cert === undefined ? tls.certificatePath : tls.keyPath} is missing`);
  return { https: { cert, key } };
}

function addressOf(app: FastifyInstance, { tls, listen }: GatewayConfig): string {
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : listen.port;
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  return `${tls === undefined ? 'http' : 'https'}://${host}:${port}`;
}

async function sweepAll(context: GatewayContext): Promise<void> {
  const config = context.config();
  const signal = AbortSignal.timeout(sweepMs);
  for (const platform of config.platforms.values()) await destinationOf(platform).sweep(signal);
  await sweepConverted(context, signal);
  await context.records.pruneMetrics(nowSec(context.clock) - metricsKeptSec);
}
