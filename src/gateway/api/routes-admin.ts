// SPDX-License-Identifier: Apache-2.0
// expire and autoexpire. Refused or impossible is said in the body; the status is 200, as clients know it.
import type { FastifyInstance } from 'fastify';
import { isAdmin } from '../auth/access.ts';
import { nowSec } from '../context.ts';
import { sendJson } from './answers.ts';
import type { ApiContext } from './app.ts';
import { readImageName } from './image-name.ts';
import { describe } from './openapi.ts';

export function adminRoutes(app: FastifyInstance, context: ApiContext): void {
  const { records, people, clock } = context;

  app.get(
    '/api/expire/:system/:itype/*',
    describe('Removes an image, for administrators', { answer: 'outcome' }),
    async (request, reply) => {
      const session = await context.sessionOf(request);
      const name = readImageName(request.raw.url ?? '', (itype) => itype === 'docker');
      if (!(await isAdmin(session, context.config(), people))) return sendJson(reply, '{"status":false}');
      const record = await records.findReady(name);
      if (record === undefined || !(await records.startExpiry(record.key, nowSec(clock)))) {
        return sendJson(reply, '{"status":null}');
      }
      context.images.changed(name.system);
      context.log.info({ image: name, id: record.facts?.id, uid: session.uid }, 'expiry queued');
      context.kick();
      return sendJson(reply, '{"status":true}');
    },
  );

  app.get(
    '/api/autoexpire/:system',
    describe('Removes images past their expiry, for administrators', { answer: 'expired' }),
    async (request, reply) => {
      const session = await context.sessionOf(request);
      if (!(await isAdmin(session, context.config(), people))) return sendJson(reply, '{"status":false}');
      const now = nowSec(clock);
      await context.lookups.flush();
      // Only what has failed: pulls that run for long are left to run.
      await records.purgeFailures({ before: now - context.config().pullUpdateTimeoutSec, after: now + 60 });
      const ids: string[] = [];
      for (const record of await records.listExpired(session.system, now)) {
        if (await records.startExpiry(record.key, now)) ids.push(record.facts?.id ?? record.key);
      }
      if (ids.length > 0) context.log.info({ system: session.system, ids, uid: session.uid }, 'expiry queued');
      context.images.changed(session.system);
      context.kick();
      return sendJson(reply, JSON.stringify({ status: ids }));
    },
  );
}
