// SPDX-License-Identifier: Apache-2.0
// What those who run the service watch: is it there, can it work, how much does it do.
import type { FastifyInstance } from 'fastify';
import { sendJson } from './answers.ts';
import type { ApiContext } from './app.ts';
import { describe } from './openapi.ts';

export function operationRoutes(app: FastifyInstance, context: ApiContext): void {
  app.get('/health', describe('Whether the process answers', { auth: false, answer: 'health' }), (_request, reply) =>
    sendJson(reply, `{"status":"ok","version":${JSON.stringify(context.version)}}`),
  );

  app.get(
    '/ready',
    describe('Whether the database answers too', { auth: false, answer: 'ready' }),
    async (request, reply) => {
      try {
        await context.records.ping();
        return sendJson(reply, '{"status":"ready"}');
      } catch (error) {
        request.log.warn({ err: String(error) }, 'not ready');
        return sendJson(reply, '{"status":"not ready","reason":"the database does not answer"}', 503);
      }
    },
  );

  app.get('/metrics', describe('For Prometheus', { auth: false, answer: 'text' }), async (_request, reply) => {
    context.meters.waiting.set((await context.records.listUnfinished(undefined)).length);
    const text = await context.meters.registry.metrics();
    return reply.header('content-type', context.meters.registry.contentType).send(Buffer.from(text));
  });
}
