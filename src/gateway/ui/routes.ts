// SPDX-License-Identifier: Apache-2.0
// /ui: a page for administrators. Who may open it is decided by munge, as everywhere: the link comes from a request that
// an administrator makes with a credential; opening it gives a cookie for this page alone.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { freeBytes } from '../../sys/files.ts';
import { sendJson } from '../api/answers.ts';
import type { ApiContext } from '../api/app.ts';
import { describe } from '../api/openapi.ts';
import { type Overview, overviewOf } from '../api/overview.ts';
import { isAdmin } from '../auth/access.ts';
import { Refusal } from '../auth/session.ts';
import { nowSec } from '../context.ts';
import { pageCss, pageHtml, pageScript } from './page.ts';
import { newNonce, newUiKey, readPass, signPass, type UiPass } from './token.ts';

const linkSec = 300;
const sessionSec = 3600;
const cookieName = 'slipway_ui';

export function uiRoutes(app: FastifyInstance, context: ApiContext): void {
  const { clock, records, people } = context;
  let key: Promise<string> | undefined;
  const keyOf = async (): Promise<string> => {
    key ??= records.setting('ui-key', newUiKey());
    try {
      return await key;
    } catch (error) {
      key = undefined;
      throw error;
    }
  };

  /** Whoever writes the link's name down first has opened it, at whichever gateway. */
  const isFirstUse = async (nonce: string): Promise<boolean> => {
    const own = newNonce();
    return (await records.setting(`ui-link ${nonce}`, own)) === own;
  };

  app.get(
    '/api/uilink/:system',
    describe('A link to the page of a system, for administrators', { answer: 'link' }),
    async (request, reply) => {
      const session = await context.sessionOf(request);
      const config = context.config();
      if (!(await isAdmin(session, config, people)))
        throw new Refusal('None', { reason: 'the page is for administrators' });
      const pass: UiPass = {
        kind: 'link',
        system: session.system,
        uid: session.uid,
        until: nowSec(clock) + linkSec,
        nonce: newNonce(),
      };
      const base = config.publicUrl ?? `${request.protocol}://${request.host}`;
      context.log.info({ system: session.system, uid: session.uid }, 'a link to the page was given');
      return sendJson(
        reply,
        JSON.stringify({ url: `${base}/ui/enter?pass=${signPass(pass, await keyOf())}`, seconds: linkSec }),
      );
    },
  );

  const hidden = { schema: { hide: true } };
  app.get('/ui/enter', hidden, async (request, reply) => {
    const text = new URLSearchParams(request.raw.url?.split('?')[1] ?? '').get('pass') ?? '';
    const link = readPass(text, 'link', await keyOf(), nowSec(clock));
    if (link === undefined || !(await isFirstUse(link.nonce))) return refuse(reply);
    const session: UiPass = { ...link, kind: 'session', until: nowSec(clock) + sessionSec, nonce: newNonce() };
    const secure = request.protocol === 'https' ? '; Secure' : '';
    const cookie = `${cookieName}=${signPass(session, await keyOf())}; Path=/ui; HttpOnly; SameSite=Lax; Max-Age=${sessionSec}${secure}`;
    return guarded(reply).code(303).header('set-cookie', cookie).header('location', '/ui/').send();
  });

  const withPass =
    (serve: (pass: UiPass, reply: FastifyReply) => FastifyReply | Promise<FastifyReply>) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const text = cookieOf(request.headers.cookie ?? '');
      const pass = readPass(text, 'session', await keyOf(), nowSec(clock));
      return pass === undefined ? refuse(reply) : await serve(pass, guarded(reply));
    };
  const text = (type: string, content: string) => withPass((_pass, reply) => reply.type(type).send(content));
  app.get('/ui', hidden, text('text/html; charset=utf-8', pageHtml));
  app.get('/ui/page.css', hidden, text('text/css; charset=utf-8', pageCss));
  app.get('/ui/page.js', hidden, text('text/javascript; charset=utf-8', pageScript));
  app.get(
    '/ui/data',
    hidden,
    withPass(async ({ system, uid }, reply) => {
      const overview = await overviewOf(context, system, { sees: () => Promise.resolve(true), isAdmin: true, uid });
      const platform = context.config().platforms.get(system);
      const isHere = platform !== undefined && platform.remote === undefined;
      const free = isHere ? await freeBytes(platform.imageDirectory).catch(() => null) : null;
      const imageBytes = overview.images.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
      const names = await namesIn(overview, context);
      return sendJson(reply, JSON.stringify({ ...overview, imageBytes, freeBytes: free, names }));
    }),
  );
}

/** Names of the ids in access lists: `u1000` and `g100`. */
async function namesIn({ images }: Overview, { people }: ApiContext): Promise<Readonly<Record<string, string>>> {
  const names: Record<string, string> = {};
  for (const { userAcl, groupAcl } of images) {
    for (const uid of userAcl) names[`u${uid}`] ??= await people.nameOf(uid);
    for (const gid of groupAcl) names[`g${gid}`] ??= await people.groupNameOf(gid);
  }
  return names;
}

function cookieOf(header: string): string {
  const found = header.split(';').find((each) => each.trim().startsWith(`${cookieName}=`));
  return found?.trim().slice(cookieName.length + 1) ?? '';
}

/** The page may load its own script and style, from here, and nothing else from anywhere. */
function guarded(reply: FastifyReply): FastifyReply {
  return reply
    .header(
      'content-security-policy',
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    )
    .header('x-content-type-options', 'nosniff')
    .header('referrer-policy', 'no-referrer')
    .header('cache-control', 'no-store');
}

function refuse(reply: FastifyReply): FastifyReply {
  return guarded(reply)
    .code(403)
    .type('text/plain; charset=utf-8')
    .send('This page is opened by a link that `slipway gateway ui` prints. A link is good once, for five minutes.\n');
}
