// SPDX-License-Identifier: Apache-2.0
// The service in this process, on a database of its own, with mock authentication and a clock that the test moves.
// Work is done by the test: it claims jobs from the records.
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { parseGatewayConfig } from '../../site/index.ts';
import type { Clock } from '../../sys/clock.ts';
import { createApp } from '../api/app.ts';
import { createAuthenticate } from '../auth/authenticate.ts';
import { createSeal } from '../auth/seal.ts';
import type { GatewayContext } from '../context.ts';
import { createLookupNotes } from '../lookup-notes.ts';
import { createMeters } from '../meters.ts';
import { openSqliteRecords } from '../records/open-sqlite.ts';
import type { ImageRecord, Records } from '../records/types.ts';

export type TestApp = {
  readonly app: FastifyInstance;
  readonly records: Records;
  readonly context: GatewayContext;
  readonly log: () => string;
  readonly pass: (seconds: number) => void;
  readonly nowSec: () => number;
  /** A request as `user` (`good:NAME:GROUP::UID:GID`), none where ''. */
  readonly ask: (path: string, options?: AskOptions) => Promise<Answer>;
  /** Brings the oldest waiting pull to its end. */
  readonly finishPull: (id: string, changes?: Partial<Parameters<Records['finish']>[2]>) => Promise<ImageRecord>;
  readonly failPull: (message: string) => Promise<void>;
  readonly close: () => Promise<void>;
};

export type AskOptions = { readonly as?: string; readonly method?: 'GET' | 'POST'; readonly body?: string };
export type Answer = {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
};

export const ada = 'good:ada:users::1000:1000';
export const bob = 'good:bob:users::2000:2000';
export const root = 'good:root:root::0:0';

/** `directory` is the test's, empty, and goes with it. */
export async function startTestApp(
  directory: string,
  config: Readonly<Record<string, unknown>> = {},
): Promise<TestApp> {
  const parsed = await parseGatewayConfig(
    JSON.stringify({
      DefaultImageLocation: 'docker.io',
      CacheDirectory: directory,
      Authentication: 'mock',
      ImageExpirationTimeout: '01:00:00:00',
      ImportUsers: ['root'],
      Locations: { 'docker.io': { remotetype: 'dockerv2' } },
      Platforms: {
        sysa: { mungeSocketPath: '/x', accesstype: 'local', admins: ['root'], local: { imageDir: `${directory}/a` } },
        sysb: { mungeSocketPath: '/x', accesstype: 'local', admins: ['root'], local: { imageDir: `${directory}/b` } },
      },
      ...config,
    }),
    directory,
  );
  const gatewayConfig = parsed.config;
  if (gatewayConfig === undefined) throw new Error(JSON.stringify(parsed.problems));
  let timeMs = Date.UTC(2026, 10, 21, 12);
  const clock: Clock = {
    now: () => new Date(timeMs),
    monotonicMs: () => performance.now(),
    sleep: () => Promise.resolve(),
  };
  const records = await openSqliteRecords(`${directory}/records.sqlite`, clock);
  let logged = '';
  const context: GatewayContext = {
    config: () => gatewayConfig,
    records,
    authenticate: createAuthenticate(() => gatewayConfig),
    people: {
      nameOf: (uid) => Promise.resolve(`u${uid}`),
      groupNameOf: (gid) => Promise.resolve(`g${gid}`),
      groupsOf: (uid) => Promise.resolve(uid === 2000 ? [2000, 3000] : [uid]),
    },
    seal: createSeal(() => gatewayConfig),
    clock,
    log: pino({ level: 'debug' }, { write: (text: string) => void (logged += text) }),
    meters: createMeters(),
    lookups: createLookupNotes(records, (error) => {
      throw error;
    }),
    kick: () => undefined,
    cancelled: () => undefined,
    version: '1.2.3',
    tellsLabels: false,
  };
  const app = await createApp(context);
  const claimed = async (): Promise<NonNullable<Awaited<ReturnType<Records['claim']>>>> => {
    const claim = await records.claim('test', 60);
    if (claim === undefined) throw new Error('there is no job');
    return claim;
  };
  return {
    app,
    records,
    context,
    log: () => logged,
    pass: (seconds) => {
      timeMs += seconds * 1000;
    },
    nowSec: () => timeMs / 1000,
    ask: async (url, { as = ada, method = 'GET', body } = {}) => {
      const headers = as === '' ? {} : { authentication: as };
      const answer = await app.inject({ url, method, headers, ...(body === undefined ? {} : { payload: body }) });
      return { status: answer.statusCode, text: answer.body, headers: answer.headers };
    },
    finishPull: async (id, changes = {}) => {
      const { record, token } = await claimed();
      const isHeld = await records.finish(record.key, token, {
        facts: { id, env: ['A=1'], entry: ['/e'], cmd: [], workdir: '/w', labels: { l: '1' }, sizeBytes: 10 },
        isPrivate: false,
        userAcl: record.userAcl,
        groupAcl: record.groupAcl,
        statusMessage: 'Transferring image',
        now: timeMs / 1000,
        ...changes,
      });
      if (!isHeld) throw new Error('the job is lost');
      return record;
    },
    failPull: async (message) => {
      const { record, token } = await claimed();
      await records.fail(record.key, token, message, timeMs / 1000);
    },
    close: async () => {
      await app.close();
      await records.close();
    },
  };
}
