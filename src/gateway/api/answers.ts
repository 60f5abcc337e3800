// SPDX-License-Identifier: Apache-2.0
// Shifter's client wants `Content-Type` to be exactly `application/json` and a Content-Length: else it takes the answer for
// an empty success. A Buffer gets both from fastify, with nothing added to the type.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Refusal } from '../auth/session.ts';

export function sendJson(reply: FastifyReply, body: string | Buffer, status = 200): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'application/json')
    .send(typeof body === 'string' ? Buffer.from(body) : body);
}

/** The answer to whatever is not served, in the form of the original with the reason added. */
export function sendRefusal(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  const { status, error } = refusal;
  const url = `${request.protocol}://${request.host}${request.raw.url ?? ''}`.slice(0, 2000);
  const title = status === 404 ? 'Not Found' : status === 429 ? 'Too Many Requests' : 'Service Unavailable';
  const reason = refusal.message === error ? {} : { reason: refusal.message };
  if (status === 429) reply.header('retry-after', '10');
  return sendJson(
    reply,
    JSON.stringify({ status, error, message: `${title}: ${url}`, ...reason, request: request.id }),
    status,
  );
}
