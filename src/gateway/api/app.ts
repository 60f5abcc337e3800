// SPDX-License-Identifier: Apache-2.0
// The HTTP service: every route of Shifter's gateway, and a few of our own. Authentication, limits and the form of
// refusals are here once for all.
import { randomUUID } from 'node:crypto';
import swagger from '@fastify/swagger';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { describeError } from '../../model/index.ts';
import { isMungeSilent } from '../auth/authenticate.ts';
import { Refusal, type Session } from '../auth/session.ts';
import type { GatewayContext } from '../context.ts';
import { sendJson, sendRefusal } from './answers.ts';
import { readSystem } from './image-name.ts';
import { createRateLimit } from './limits.ts';
import { openApiInfo } from './openapi.ts';
import { adminRoutes } from './routes-admin.ts';
import { modernRoutes } from './routes-modern.ts';
import { operationRoutes } from './routes-operation.ts';
import { pullRoutes } from './routes-pull.ts';
import { createReadyImages, type ReadyImages } from './ready-images.ts';
import { readRoutes } from './routes-read.ts';
import { uiRoutes } from '../ui/routes.ts';

export type ApiContext = GatewayContext & {
  /** Who asks. @throws Refusal */
  readonly sessionOf: (request: FastifyRequest) => Promise<Session>;
  readonly images: ReadyImages;
};

export type AppOptions = {
  readonly https?: { readonly cert: Buffer; readonly key: Buffer };
};

/** A client must send its whole request within this time; one that dribbles holds nothing but its own socket. */
const requestTimeoutMs = 20_000;
/** munged has its own time limit; what was asked is answered even when the client has gone. */
const never = new AbortController().signal;

export async function createApp(context: GatewayContext, options: AppOptions = {}): Promise<FastifyInstance> {
  const { limits } = context.config();
  const app = fastify({
    loggerInstance: context.log,
    logController: new LogController({ disableRequestLogging: true }),
    // A path that can't be decoded comes to no route.
    frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) =>
      sendRefusal(request, reply, new Refusal('image not found', { reason: 'the path is malformed' })),
    genReqId: () => randomUUID(),
    bodyLimit: limits.bodyBytes,
    requestTimeout: requestTimeoutMs,
    connectionTimeout: 60_000,
    keepAliveTimeout: 30_000,
    routerOptions: { maxParamLength: 2048, ignoreTrailingSlash: true },
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    ...(options.https === undefined ? {} : { https: options.https }),
  } as never) as unknown as FastifyInstance;
  app.server.maxConnections = limits.connections;

  // Bodies are JSON whatever their type says: curl -d calls them a form.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  app.setNotFoundHandler((request, reply) => {
    const path = request.raw.url?.split('?', 1)[0] ?? '';
    return sendRefusal(request, reply, new Refusal(`Requested URL ${path.slice(0, 500)} not found`));
  });
  app.setErrorHandler((error, request, reply) => sendRefusal(request, reply, refusalOf(error, request)));

  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url?.split('/').slice(0, 3).join('/') ?? 'none';
    context.meters.requests.inc({ route, status: String(reply.statusCode) });
    context.meters.latency.observe({ route }, reply.elapsedTime / 1000);
    request.log.debug({
      method: request.method,
      url: request.raw.url,
      status: reply.statusCode,
      ms: reply.elapsedTime,
    });
    done();
  });

  const rate = createRateLimit(context.clock);
  const api: ApiContext = {
    ...context,
    images: createReadyImages(context),
    sessionOf: async (request) => {
      const { requestsPerMinute } = context.config().limits;
      const header = request.headers['authentication'];
      const text = Array.isArray(header) ? header[0] : header;
      try {
        const session = await context.authenticate(text, readSystem(request.raw.url ?? ''), never);
        rate.take(`uid ${session.uid}`, requestsPerMinute);
        return session;
      } catch (error) {
        // Who guesses credentials is slowed down by the address.
        if (error instanceof Refusal && error.status === 404) rate.take(`address ${request.ip}`, requestsPerMinute);
        throw error;
      }
    },
  };
  await app.register(swagger, openApiInfo(context.version));
  await app.register((scope) => {
    readRoutes(scope, api);
    pullRoutes(scope, api);
    adminRoutes(scope, api);
    modernRoutes(scope, api);
    operationRoutes(scope, api);
    uiRoutes(scope, api);
    return Promise.resolve();
  });
  app.get('/openapi.json', { schema: { hide: true } }, (_request, reply) =>
    sendJson(reply, JSON.stringify(app.swagger())),
  );
  return app;
}

function refusalOf(error: unknown, request: FastifyRequest): Refusal {
  if (error instanceof Refusal) {
    request.log.info({ url: request.raw.url, refused: error.message });
    return error;
  }
  const status = (error as { readonly statusCode?: number }).statusCode;
  if (status !== undefined && status >= 400 && status < 500) {
    // Too large, too slow, no such method.
    return new Refusal('None', { status, reason: describeError(error) });
  }
  request.log.error({ url: request.raw.url, err: describeError(error) }, 'a request failed');
  const reason = isMungeSilent(error) ? 'munged does not answer' : 'the gateway can not do this at the moment';
  return new Refusal('None', { status: 503, reason, cause: error });
}
