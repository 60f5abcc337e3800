// SPDX-License-Identifier: Apache-2.0
// list, lookup, queue, metrics.
import type { FastifyInstance } from 'fastify';
import { isAdmin, mayRead, userOf } from '../auth/access.ts';
import { Refusal } from '../auth/session.ts';
import { nowSec } from '../context.ts';
import { sendJson } from './answers.ts';
import type { ApiContext } from './app.ts';
import { float } from './image-body.ts';
import { listBody } from './image-lists.ts';
import { readImageName, readSystem } from './image-name.ts';
import { describe } from './openapi.ts';

const mostMetrics = 100_000;

export function readRoutes(app: FastifyInstance, context: ApiContext): void {
  const { records, people, clock, lookups } = context;

  app.get('/', describe('The names of some routes', { auth: false, answer: 'text' }), (_request, reply) =>
    reply.header('content-type', 'text/plain').send(Buffer.from('{lookup,pull,expire,list}')),
  );

  app.get(
    '/api/list/:system',
    describe('READY images that the caller may read', { answer: 'list' }),
    async (request, reply) => {
      const session = await context.sessionOf(request);
      return sendJson(reply, await listBody(context.images, session, people));
    },
  );

  app.get(
    '/api/lookup/:system/:itype/*',
    describe('The READY image that has a tag', { answer: 'image' }),
    async (request, reply) => {
      const session = await context.sessionOf(request);
      const name = readImageName(request.raw.url ?? '', (itype) => itype === 'docker' || itype === 'custom');
      const found = await context.images.find(name);
      if (found === undefined || !(await mayRead(found.record, session, people))) throw new Refusal('image not found');
      const { record, body } = found;
      const config = context.config();
      const now = nowSec(clock);
      if (config.imageExpirationSec !== undefined) lookups.expiry(record, now + config.imageExpirationSec);
      if (config.keepsMetrics && record.facts !== null) {
        const user = await userOf(session, people);
        const { system, itype: type, tag } = name;
        lookups.metric({ user, uid: session.uid, system, type, tag, id: record.facts.id, time: now });
      }
      return sendJson(reply, body);
    },
  );

  // The original asks nobody who they are here, and sites watch it with plain curl.
  app.get(
    '/api/queue/:system',
    describe('Records in flight or failed', { auth: false, answer: 'queue' }),
    async (request, reply) => {
      const system = readSystem(request.raw.url ?? '');
      if (!context.config().platforms.has(system)) return sendJson(reply, '{"list":[]}');
      const unfinished = await records.listUnfinished(system);
      const list = unfinished
        .filter(({ job }) => job !== 'expire')
        .map(({ status, pullTag }) => ({ status, image: pullTag }));
      return sendJson(reply, JSON.stringify({ list }));
    },
  );

  app.get(
    '/api/metrics/:system',
    describe('The last lookups, for administrators', {
      answer: 'metrics',
      query: { limit: { type: 'integer', default: 10, maximum: mostMetrics } },
    }),
    async (request, reply) => {
      const session = await context.sessionOf(request);
      const config = context.config();
      if (!config.keepsMetrics || !(await isAdmin(session, config, people))) return sendJson(reply, '[]');
      await lookups.flush();
      const limit = readLimit(new URLSearchParams(request.raw.url?.split('?')[1] ?? '').get('limit'));
      const rows = await records.lastMetrics(session.system, limit);
      const text = rows.map(({ time, ...row }) => `${JSON.stringify(row).slice(0, -1)},"time":${float(time)}}`);
      return sendJson(reply, `[${text.join(',')}]`);
    },
  );
}

function readLimit(text: string | null): number {
  if (text === null || !/^\d{1,9}$/.test(text)) return 10;
  return Math.min(Number(text), mostMetrics);
}
