// SPDX-License-Identifier: Apache-2.0
// What /openapi.json says beyond paths. Answers are made by hand for the sake of Shifter's client, so their schemas are
// documentation, not serialisers.
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';

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
  };
}

/** The schema option of a route: its summary, and whether it wants a credential. */
export function describe(
  summary: string,
  options: { readonly auth?: boolean; readonly text?: boolean } = {},
): { readonly schema: Record<string, unknown> } {
  return {
    schema: {
      summary,
      ...(options.auth === false ? {} : { security: [{ munge: [] }] }),
      ...(options.text === true ? { produces: ['text/plain'] } : {}),
    },
  };
}
