// SPDX-License-Identifier: Apache-2.0
// What /openapi.json says. Bodies are read and answers made by hand for the sake of Shifter's client, so what is said of them
// here is documentation, not validators and serialisers: fastify is not shown it.
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import type { FastifySchema } from 'fastify';
import * as z from 'zod';
import { answerSchemas, type AnswerName } from './answer-schemas.ts';

export type RouteDocument = {
  /** Whether it wants a credential; it does unless this is false. */
  readonly auth?: boolean;
  /** What a request brings along. */
  readonly body?: z.ZodType;
  /** What status 200 brings back. */
  readonly answer: AnswerName | 'text';
  readonly query?: Readonly<Record<string, object>>;
};

type Documented = FastifySchema & { readonly summary?: string; readonly documented?: RouteDocument };

export function openApiInfo(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Slipway image gateway',
        version,
        description:
          "Shifter's image gateway interface, and some more. A tag may hold slashes, raw or percent-encoded; each path may end with a slash.",
      },
      components: {
        schemas: answerSchemas as never,
        securitySchemes: {
          munge: {
            type: 'apiKey',
            in: 'header',
            name: 'authentication',
            description:
              'A munge credential, good for one request; its payload may be {"authorized_locations":{"LOCATION":"user:password"}}',
          },
        },
      },
    },
    transform: ({ schema, url }) => {
      const { documented, ...rest } = (schema ?? {}) as Documented;
      const shown = documented === undefined ? rest : { ...rest, ...shownOf(documented) };
      return { schema: shown, url: url.replace(/\*$/, ':tag') };
    },
  };
}

/** The schema option of a route: its summary, and what /openapi.json says of it. */
export function describe(summary: string, documented: RouteDocument): { readonly schema: FastifySchema } {
  const schema: Documented = {
    summary,
    ...(documented.auth === false ? {} : { security: [{ munge: [] }] }),
    documented,
  };
  return { schema };
}

function shownOf({ auth, body, answer, query }: RouteDocument): FastifySchema {
  const refused = { description: 'Refused, with the reason', $ref: '#/components/schemas/refusal' };
  const good =
    answer === 'text'
      ? { description: 'Text', content: { 'text/plain': { schema: { type: 'string' } } } }
      : { description: 'Done', $ref: `#/components/schemas/${answer}` };
  return {
    ...(body === undefined ? {} : { body: z.toJSONSchema(body, { io: 'input' }) }),
    ...(query === undefined ? {} : { querystring: { type: 'object', properties: query } }),
    response: auth === false ? { 200: good } : { 200: good, 404: refused, 429: refused, 503: refused },
  };
}
