// SPDX-License-Identifier: Apache-2.0
// What Shifter's interface lacks: how far pulls are and why they failed, and taking away one's own tags.
import type { FastifyInstance } from 'fastify';
import { isAdmin, mayRead } from '../auth/access.ts';
import { nowSec } from '../context.ts';
import { sendJson } from './answers.ts';
import type { ApiContext } from './app.ts';
import { readImageName } from './image-name.ts';
import { describe } from './openapi.ts';
import { overviewOf } from './overview.ts';

export function modernRoutes(app: FastifyInstance, context: ApiContext): void {
  const { records, people, clock } = context;

  app.get(
    '/api/overview/:system',
    describe('Images and pulls with all that is known of them'),
    async (request, reply) => {
      const session = await context.sessionOf(request);
      const sees = (record: Parameters<typeof mayRead>[0]): Promise<boolean> => mayRead(record, session, people);
      const isAdministrator = await isAdmin(session, context.config(), people);
      const body = await overviewOf(context, session.system, { sees, isAdmin: isAdministrator, uid: session.uid });
      return sendJson(reply, JSON.stringify(body));
    },
  );

  app.post(
    '/api/remove/:system/:itype/*',
    describe("Takes away one's own tag, and with its last tag the image"),
    async (request, reply) => {
      const session = await context.sessionOf(request);
      const name = readImageName(request.raw.url ?? '', (itype) => itype === 'docker' || itype === 'custom');
      const record = await records.findReady(name);
      if (record === undefined || !(await mayRead(record, session, people))) {
        return sendJson(reply, '{"status":null}');
      }
      const owner = await records.tagOwner(name);
      if (owner !== session.uid && !(await isAdmin(session, context.config(), people))) {
        const reason = owner === null ? 'others have pulled it too' : 'another user has pulled it';
        return sendJson(reply, JSON.stringify({ status: false, reason }));
      }
      const left = await records.removeTag(name);
      if (left !== undefined && left.tags.length === 0) await records.startExpiry(left.key, nowSec(clock));
      context.images.changed(name.system);
      context.log.info({ image: name, id: record.facts?.id, uid: session.uid }, 'tag removed');
      context.kick();
      return sendJson(reply, '{"status":true}');
    },
  );
}
