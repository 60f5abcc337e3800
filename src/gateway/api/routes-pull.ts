// SPDX-License-Identifier: Apache-2.0
// pull, which is also how a client waits for a pull, and doimport.
import type { FastifyInstance } from 'fastify';
import { mayImport, mayRead, userOf } from '../auth/access.ts';
import { Refusal, type Session } from '../auth/session.ts';
import { nowSec } from '../context.ts';
import type { ImageName, ImageRecord, NewPull } from '../records/types.ts';
import { sendJson } from './answers.ts';
import type { ApiContext } from './app.ts';
import { imageBody, initialBody } from './image-body.ts';
import { readImageName } from './image-name.ts';
import { describe } from './openapi.ts';
import { importBody, pullBody, readBody, requestedAccess } from './pull-body.ts';
import { decidePull, type PullRequest } from './pull-decision.ts';

/** What was last pulled further ahead than this was written by a clock that was wrong. */
const skewSec = 60;

export function pullRoutes(app: FastifyInstance, context: ApiContext): void {
  const { records, people, clock } = context;

  app.post(
    '/api/pull/:system/:itype/*',
    describe('Pulls an image, or tells how far its pull is', { body: pullBody, answer: 'image' }),
    async (request, reply) => {
      const session = await context.sessionOf(request);
      const name = readImageName(request.raw.url ?? '', (itype) => itype === 'docker');
      if (name.itype !== 'docker')
        throw new Refusal('image not found', { reason: `images of type ${name.itype} can't be pulled` });
      const access = requestedAccess(readBody(pullBody, request.body), session);
      const record = await pullOrPoll(name, session, { ...access, job: 'pull', filePath: null, format: 'squashfs' });
      request.log.debug({ pull: name, uid: session.uid, status: record.record.status });
      return sendJson(reply, record.isNew ? initialBody(record.record, context) : imageBody(record.record, context));
    },
  );

  app.post(
    '/api/doimport/:system/:itype/*',
    describe("Takes over an image file of the system's", { body: importBody, answer: 'image' }),
    async (request, reply) => {
      const session = await context.sessionOf(request);
      const name = readImageName(request.raw.url ?? '', (itype) => itype === 'docker');
      if (!(await mayImport(session, context.config(), people))) {
        throw new Refusal('None', { reason: 'this user may not import images (ImportUsers)' });
      }
      const body = readBody(importBody, request.body);
      const { record, isNew } = await pullOrPoll(name, session, {
        userAcl: null,
        groupAcl: null,
        job: 'import',
        filePath: body.filepath,
        format: body.format,
      });
      return sendJson(reply, isNew ? initialBody(record, context) : imageBody(record, context));
    },
  );

  type Wanted = Pick<NewPull, 'userAcl' | 'groupAcl' | 'job' | 'filePath' | 'format'>;

  async function pullOrPoll(
    name: ImageName,
    session: Session,
    wanted: Wanted,
  ): Promise<{ readonly record: ImageRecord; readonly isNew: boolean }> {
    const now = nowSec(clock);
    const timeoutSec = context.config().pullUpdateTimeoutSec;
    await records.purgeFailures({ before: now - timeoutSec, after: now + skewSec });
    const [ready, attempt] = [await records.findReady(name), await records.findAttempt(name)];
    const request: PullRequest = { userAcl: wanted.userAcl ?? [], groupAcl: wanted.groupAcl ?? [] };
    const decided = decidePull(ready, attempt, { request, now, timeoutSec });
    if (decided.record !== undefined && !decided.isNew) return await answerWith(name, session, decided.record);
    const user = await userOf(session, people);
    await checkQuota(session);
    const started = await records.startPull({
      system: name.system,
      itype: name.itype,
      pullTag: name.tag,
      requesterUid: session.uid,
      requester: user,
      now,
      sealedCredentials: await context.seal.close(session, AbortSignal.timeout(10_000)),
      ...wanted,
    });
    if (!started.isNew) return await answerWith(name, session, started.record);
    context.log.info({ job: wanted.job, image: name, uid: session.uid, key: started.record.key }, 'queued');
    context.kick();
    return started;
  }

  /** What is there already: a private image is not shown to those whom its list keeps out. */
  async function answerWith(
    name: ImageName,
    session: Session,
    record: ImageRecord,
  ): Promise<{ readonly record: ImageRecord; readonly isNew: false }> {
    if (record.status === 'READY') {
      // Whoever has seen READY here and looks it up next is to find this image, not the tag's last one.
      context.images.changed(name.system);
      if (!(await mayRead(record, session, people))) {
        throw new Refusal('image not found', { reason: 'the image is private, and you are not on its list' });
      }
      const owner = await records.tagOwner(name);
      if (owner !== null && owner !== undefined && owner !== session.uid) await records.shareTag(name);
    }
    return { record, isNew: false };
  }

  async function checkQuota(session: Session): Promise<void> {
    const { pullsPerUser } = context.config().limits;
    const inFlight = (await records.listUnfinished(undefined)).filter(
      ({ requesterUid, job }) => job !== null && requesterUid === session.uid,
    );
    if (inFlight.length < pullsPerUser) return;
    const reason = `you have ${inFlight.length} pulls in flight, and ${pullsPerUser} are allowed`;
    throw new Refusal('Too many requests', { status: 429, reason });
  }
}
