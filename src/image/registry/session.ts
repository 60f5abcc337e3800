// SPDX-License-Identifier: Apache-2.0
// Conversation with one registry about one repository: finds the scheme, answers challenges, repeats what failed for a
// moment, and turns refusals into errors that say who was asked and with whose credentials. What an answer means
// beyond that (200, 206, 404, 416) is the caller's.
import type { Readable } from 'node:stream';
import { type Emit, type ImageReference, type PullEvent, SlipwayError } from '../../model/index.ts';
import type { Clock } from '../../sys/clock.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../../sys/http.ts';
import { HttpFailure, httpFailureOf } from '../../sys/http-failure.ts';
import { discardBody, readComplaint } from './answers.ts';
import { type Authorizer, createAuthorizer, deniedHint } from './authorizer.ts';
import { parseChallenges } from './challenge.ts';
import type { CredentialLookup } from './credentials.ts';
import { registryAddresses } from './endpoint.ts';
import { type Exchange, exchange } from './exchange.ts';
import { parseRetryAfter, TransientFailure, withRetries } from './retry.ts';
import type { RegistryLimits } from './settings.ts';

export type RegistryRequest = {
  /** Below `/v2/NAME/`, with the query: `manifests/latest`. */
  readonly path: string;
  /** The path is below `/v2/`: about the registry, and no repository. */
  readonly isAboutRegistry?: boolean;
  /** For messages, a verb and an object: `pull docker.io/library/debian:12`. */
  readonly task: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** What is sent to a registry to be kept there. */
export type RegistryOrder = Omit<RegistryRequest, 'path' | 'isAboutRegistry'> & {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT';
  /** As in RegistryRequest, or what an answer's Location said. */
  readonly to: { readonly path: string } | { readonly location: string };
  /** Called for each attempt; its length has to stand in the headers. */
  readonly body?: () => Buffer | Readable;
};

/** Reads an answer within an attempt: when its body breaks, the request is sent again. */
export type Consume<T> = (response: HttpResponse) => Promise<T>;

export type RegistrySession = {
  readonly reference: ImageReference;
  /** @throws SlipwayError `registry-*`; whatever `consume` throws */
  readonly get: <T>(request: RegistryRequest, signal: AbortSignal, consume: Consume<T>) => Promise<T>;
  /** @throws as `get`; with `isSentOnce` a TransientFailure where sending again may help */
  readonly send: <T>(
    order: RegistryOrder & { readonly isSentOnce?: boolean },
    signal: AbortSignal,
    consume: Consume<T>,
  ) => Promise<T>;
  /** An address outside the registry, without any authorization. */
  readonly getForeign: <T>(
    url: URL,
    request: Omit<RegistryRequest, 'path'>,
    signal: AbortSignal,
    consume: Consume<T>,
  ) => Promise<T>;
  readonly close: () => Promise<void>;
};

export type SessionOptions = {
  readonly reference: ImageReference;
  readonly credentials: CredentialLookup;
  readonly plainHttp: boolean;
  readonly isInsecure: boolean;
  readonly client: HttpClient;
  readonly limits: RegistryLimits;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit<PullEvent>;
};

type Sending = Pick<RegistryRequest, 'task' | 'headers'> & Partial<Pick<RegistryOrder, 'method' | 'body'>>;

export function createSession(options: SessionOptions): RegistrySession {
  const { reference, client, limits, clock } = options;
  const { registry, repository } = reference;
  const addresses = registryAddresses(registry, options.plainHttp, options.isInsecure);
  // A server without TLS either answers the greeting in plain text or hangs up; or nobody listens at TLS's own port.
  const meansPlain = ['not-tls', 'interrupted', ...(options.isInsecure ? ['refused'] : [])];
  let base: URL | undefined;

  /** One request and its redirects. The first answer settles which of the addresses is the registry's. */
  const exchangeAt = async (
    request: Sending,
    path: string,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<Exchange> => {
    const candidates = base === undefined ? addresses : [base];
    for (const [index, address] of candidates.entries()) {
      const url = new URL(path, address);
      if (address.protocol === 'https:' && url.protocol !== 'https:') {
        const reason = `sends us to ${url.host} without TLS`;
        throw new SlipwayError('registry-error', { task: request.task, registry, reason });
      }
      const isOwn = url.origin === address.origin;
      const headers = {
        'accept-encoding': 'identity',
        ...request.headers,
        // What lets us into the registry is never shown to another server.
        ...(authorization === undefined || !isOwn ? {} : { authorization }),
      };
      const body = request.body?.();
      try {
        const answer = await exchange(
          { method: request.method ?? 'GET', url, headers, ...(body === undefined ? {} : { body }) },
          { client, maxRedirects: limits.redirects, task: request.task, registry, signal },
        );
        base = address;
        return answer;
      } catch (error) {
        signal.throwIfAborted();
        const hasOther = index + 1 < candidates.length;
        if (!hasOther || !(error instanceof HttpFailure) || !meansPlain.includes(error.kind)) throw error;
      }
    }
    throw new Error('a registry has at least one address');
  };

  const attempt = async <T>(request: Sending, path: string, signal: AbortSignal, consume: Consume<T>): Promise<T> => {
    const authorization = await authorizer.current(signal);
    let answer = await exchangeAt(request, path, authorization, signal);
    const challenged = await challengesOf(answer, request, authorization, signal);
    const renewed = challenged === undefined ? undefined : await authorizer.answer(challenged, authorization, signal);
    if (renewed !== undefined) {
      await discardBody(answer.response);
      answer = await exchangeAt(request, path, renewed, signal);
    }
    if (answer.isFromOrigin && [401, 403].includes(answer.response.status)) {
      throw await denied(answer.response, request.task, authorizer, registry);
    }
    await refuseFailures(answer, request.task, registry, clock);
    return await consume(answer.response);
  };

  /**
   * The challenges to answer before the request is sent again, or undefined. Some registries say 403 or 404 to a
   * stranger and challenge only at the API's root: with credentials at hand, that is asked.
   */
  const challengesOf = async (
    { response, isFromOrigin }: Exchange,
    request: Sending,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<ReturnType<typeof parseChallenges> | undefined> => {
    if (!isFromOrigin) return undefined;
    if (response.status === 401) return parseChallenges(response.header('www-authenticate'));
    if ((response.status !== 403 && response.status !== 404) || authorization !== undefined) return undefined;
    if (!(await authorizer.hasCredentials(signal))) return undefined;
    const root = await exchangeAt({ task: request.task }, '', undefined, signal);
    await discardBody(root.response);
    if (root.response.status !== 401 || !root.isFromOrigin) return undefined;
    return parseChallenges(root.response.header('www-authenticate'));
  };

  const repeat = async <T>(task: string, signal: AbortSignal, server: string, work: () => Promise<T>): Promise<T> =>
    await withRetries(
      task,
      async () => {
        try {
          return await work();
        } catch (error) {
          signal.throwIfAborted();
          throw networkError(error, server, base !== undefined);
        }
      },
      { limits, clock, random: options.random, emit: options.emit, signal },
    );

  const getForeign: RegistrySession['getForeign'] = async (url, request, signal, consume) =>
    await repeat(request.task, signal, url.host, async () => {
      const headers = { 'accept-encoding': 'identity', ...request.headers };
      const exchangeOptions = {
        client,
        maxRedirects: limits.redirects,
        task: request.task,
        registry: url.host,
        signal,
      };
      const answer = await exchange({ method: 'GET', url, headers }, exchangeOptions);
      await refuseFailures(answer, request.task, url.host, clock);
      return await consume(answer.response);
    });

  const authorizer = createAuthorizer({
    registry,
    repository,
    credentials: options.credentials,
    clock,
    plainHttp: options.plainHttp || options.isInsecure,
    isPlain: () => base?.protocol === 'http:',
    send: async (request: HttpRequest, signal, consume) => {
      const task = `get a token for ${registry}/${repository}`;
      const server = request.url.host;
      return await repeat(task, signal, server, async () => {
        const answer = await exchange(request, {
          client,
          maxRedirects: limits.redirects,
          task,
          registry: server,
          signal,
        });
        await refuseFailures(answer, task, server, clock);
        return await consume(answer.response);
      });
    },
  });

  const send = async <T>(
    order: RegistryOrder & { readonly isSentOnce?: boolean },
    signal: AbortSignal,
    consume: Consume<T>,
  ): Promise<T> => {
    // A Location may be relative to the registry's address, or name another server.
    const path = 'location' in order.to ? order.to.location : `${repository}/${order.to.path}`;
    const once = async (): Promise<T> => await attempt(order, path, signal, consume);
    if (order.isSentOnce !== true) return await repeat(order.task, signal, registry, once);
    try {
      return await once();
    } catch (error) {
      signal.throwIfAborted();
      throw networkError(error, registry, base !== undefined);
    }
  };

  return {
    reference,
    get: async (request, signal, consume) => {
      const path = request.isAboutRegistry === true ? request.path : `${repository}/${request.path}`;
      return await repeat(request.task, signal, registry, async () => await attempt(request, path, signal, consume));
    },
    send,
    getForeign,
    close: client.close,
  };
}

/** An answer that no caller knows what to do with. */
export async function unexpectedAnswer(response: HttpResponse, task: string, registry: string): Promise<SlipwayError> {
  const { detail } = await readComplaint(response);
  return new SlipwayError('registry-error', { task, registry, reason: `answered ${response.status}${detail}` });
}

async function denied(
  response: HttpResponse,
  task: string,
  authorizer: Authorizer,
  registry: string,
): Promise<SlipwayError> {
  const { detail } = await readComplaint(response);
  const fields = { task, registry, status: response.status, authentication: authorizer.describe(), detail };
  return new SlipwayError('registry-denied', fields, { hint: deniedHint(registry) });
}

/** Throws for answers after which the same request may succeed later. */
async function refuseFailures(
  { response, isFromOrigin }: Exchange,
  task: string,
  registry: string,
  clock: Clock,
): Promise<void> {
  const { status } = response;
  // Addresses that registries redirect to are signed for a short time; then storage says 403 and a new one is needed.
  const isExpiredAddress = !isFromOrigin && [400, 401, 403].includes(status);
  if (status !== 429 && status !== 408 && ![500, 502, 503, 504].includes(status) && !isExpiredAddress) return;
  const retryAfterMs = parseRetryAfter(response.header('retry-after')[0], clock.now());
  const { detail } = await readComplaint(response);
  throw new TransientFailure(
    status === 429
      ? new SlipwayError('registry-rate-limited', { task, registry, detail })
      : new SlipwayError('registry-error', { task, registry, reason: `answered ${status}${detail}` }),
    retryAfterMs,
  );
}

/** What an error of the network means for the next attempt; other errors come back as they are. */
function networkError(error: unknown, server: string, hasAnswered: boolean): unknown {
  if (error instanceof TransientFailure || error instanceof SlipwayError) return error;
  const failure = httpFailureOf(error);
  if (failure === undefined) return error;
  const options = { cause: failure };
  const unreachable = new SlipwayError('registry-unreachable', { registry: server, reason: failure.message }, options);
  switch (failure.kind) {
    case 'not-tls':
      return new SlipwayError('registry-not-https', { registry: server }, options);
    case 'untrusted':
      return new SlipwayError('registry-untrusted', { registry: server, reason: failure.message }, options);
    case 'identity-refused':
      return new SlipwayError('registry-wants-certificate', { registry: server, reason: failure.message }, options);
    case 'unknown-host':
    case 'protocol':
      return unreachable;
    case 'refused':
      // Nobody listens: a wrong name more often than a registry that is being restarted, unless it has been there.
      return hasAnswered ? new TransientFailure(unreachable) : unreachable;
    case 'unreachable':
    case 'interrupted':
      return new TransientFailure(unreachable);
    default:
      return failure.kind satisfies never;
  }
}
