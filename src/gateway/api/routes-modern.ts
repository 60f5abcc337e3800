// SPDX-License-Identifier: Apache-2.0
// What Shifter's interface lacks: how far pulls are and why they failed, and taking away one's own tags.
import type { FastifyInstance } from 'fastify';
import { isAdmin, mayRead, userOf } from '../auth/access.ts';
import { nowSec } from '../context.ts';
import { sendJson } from './answers.ts';
import type { ApiContext } from './app.ts';
import { readImageName } from './image-name.ts';
import { describe } from './openapi.ts';
import { overviewOf, pullsOf } from './overview.ts';

/** How long a cancelled pull is told to those who wait for it, instead of being begun anew. */
const cancelledToldSec = 10;

export function modernRoutes(app: FastifyInstance, context: ApiContext): void {
  const { records, people, clock } = context;

  app.get(
    '/api/overview/:system',
    describe('Images and pulls with all that is known of them', { answer: 'overview' }),
    async (request, reply) => {
      const session = await context.sessionOf(request);
      const sees = (record: Parameters<typeof mayRead>[0]): Promise<boolean> => mayRead(record, session, people);
      const isAdministrator = await isAdmin(session, context.config(), people);
      const body = await overviewOf(context, session.system, { sees, isAdmin: isAdministrator, uid: session.uid });
      return sendJson(reply, JSON.stringify(body));
    },
  );

  app.get(
    '/api/pulls/:system',
    describe('Pulls that are in flight or have failed', { answer: 'pulls' }),
    async (request, reply) => {
      const session = await context.sessionOf(request);
      const isAdministrator = await isAdmin(session, context.config(), people);
      const pulls = await pullsOf(context, session.system, { isAdmin: isAdministrator, uid: session.uid });
      return sendJson(reply, JSON.stringify({ pulls }));
    },
  );

  app.post(
    '/api/cancel/:system/:itype/*',
    describe("Ends a pull or import that one has asked for; administrators, anyone's", { answer: 'outcome' }),
    async (request, reply) => {
      const session = await context.sessionOf(request);
      const name = readImageName(request.raw.url ?? '', (itype) => itype === 'docker');
      const record = await records.findAttempt(name);
      if (record === undefined || record.job === null) return sendJson(reply, '{"status":null}');
      if (record.requesterUid !== session.uid && !(await isAdmin(session, context.config(), people))) {
        return sendJson(reply, '{"status":false,"reason":"another user has asked for it"}');
      }
      const now = nowSec(clock);
      // Old enough that those who wait for it are told, and whoever wants it after all need not wait for long.
      const lastPull = now - Math.max(context.config().pullUpdateTimeoutSec - cancelledToldSec, 0);
      const message = `cancelled by ${await userOf(session, people)}`;
      const isDone = await records.cancel(record.key, { message, lastPull, now });
      if (isDone) context.cancelled(record.key);
      context.log.info({ image: name, uid: session.uid, key: record.key, isDone }, 'pull cancelled');
      return sendJson(reply, isDone ? '{"status":true}' : '{"status":null}');
    },
  );

  app.post(
    '/api/remove/:system/:itype/*',
    describe("Takes away one's own tag, and with its last tag the image", { answer: 'outcome' }),
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
