// SPDX-License-Identifier: Apache-2.0
// What to send as Authorization for one repository: nothing until the registry asks, then what its challenge wants,
// kept until it expires. Several requests that are refused together get one new token between them.
import { SlipwayError } from '../../model/index.ts';
import type { Clock } from '../../sys/clock.ts';
import { isLoopbackHost } from '../../sys/proxies.ts';
import type { HttpRequest, HttpResponse } from '../../sys/http.ts';
import { readBounded, readComplaint } from './answers.ts';
import type { Challenge } from './challenge.ts';
import type { CredentialLookup } from './credentials.ts';
import type { Credentials } from './credentials-file.ts';
import { basicAuthorization, parseTokenAnswer, type TokenChallenge, tokenRequest } from './token.ts';

export type Authorizer = {
  /** The header to send, or undefined while the registry has asked for none. Renews a token that has run out. */
  readonly current: (signal: AbortSignal) => Promise<string | undefined>;
  /**
   * The header that answers the challenges to a request that was sent with `refused`; undefined when there is none
   * but that, or the challenges want nothing that we have.
   */
  readonly answer: (
    challenges: readonly Challenge[],
    refused: string | undefined,
    signal: AbortSignal,
  ) => Promise<string | undefined>;
  readonly hasCredentials: (signal: AbortSignal) => Promise<boolean>;
  /** For messages: who we said we are. */
  readonly describe: () => string;
};

export type AuthorizerOptions = {
  readonly registry: string;
  /** Empty where no repository is meant: then a token allows nothing but to be let in. */
  readonly repository: string;
  readonly credentials: CredentialLookup;
  /** Sends a request to a token server, redirects followed; repeated when it fails for a moment. */
  readonly send: <T>(
    request: HttpRequest,
    signal: AbortSignal,
    consume: (response: HttpResponse) => Promise<T>,
  ) => Promise<T>;
  readonly clock: Clock;
  /** Whether the registry itself is spoken to without TLS. */
  readonly isPlain: () => boolean;
  readonly plainHttp: boolean;
};

const maxTokenBytes = 256 * 1024;
/** A token is renewed this long before it expires, so that it does not do so on its way. */
const renewalMarginMs = 5_000;

type Held = { readonly header: string; readonly expiresAtMs: number; readonly challenge: TokenChallenge | undefined };

export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  let held: Held | undefined;
  let pending: Promise<Held> | undefined;
  let known: Promise<Credentials | undefined> | undefined;
  let description = 'no credentials were sent';

  const lookUp = async (signal: AbortSignal): Promise<Credentials | undefined> => {
    known ??= options.credentials(options.registry, options.repository, signal);
    try {
      return await known;
    } catch (error) {
      // Not kept: what failed once (a helper that was interrupted) may be there the next time.
      known = undefined;
      throw error;
    }
  };

  const renew = async (challenge: TokenChallenge, signal: AbortSignal): Promise<Held> => {
    pending ??= fetchToken(challenge, signal).finally(() => {
      pending = undefined;
    });
    held = await pending;
    return held;
  };

  const fetchToken = async (challenge: TokenChallenge, signal: AbortSignal): Promise<Held> => {
    const credentials = await lookUp(signal);
    description = describeCredentials(credentials, options.registry);
    if (credentials?.kind === 'registry-token') return permanent(`Bearer ${credentials.token}`);
    const server = challenge.realm.host;
    const task = `get a token for ${nameOf(options)}`;
    return await options.send(tokenRequest(challenge, credentials), signal, async (response) => {
      if (response.status === 401 || response.status === 403) {
        const { detail } = await readComplaint(response);
        throw new SlipwayError(
          'registry-denied',
          {
            task,
            registry: server,
            status: response.status,
            authentication: description,
            detail,
          },
          { hint: deniedHint(options.registry) },
        );
      }
      if (response.status !== 200) {
        const { detail } = await readComplaint(response);
        throw new SlipwayError('registry-error', {
          task,
          registry: server,
          reason: `answered ${response.status}${detail}`,
        });
      }
      const bytes = await readBounded(response.body, maxTokenBytes);
      const token = bytes === undefined ? undefined : parseTokenAnswer(bytes.toString('utf8'));
      if (token === undefined) {
        throw new SlipwayError('registry-error', { task, registry: server, reason: 'answered without a token' });
      }
      const expiresAtMs = options.clock.monotonicMs() + token.lifetimeMs - renewalMarginMs;
      return { header: `Bearer ${token.value}`, expiresAtMs, challenge };
    });
  };

  return {
    current: async (signal) => {
      if (held === undefined || held.expiresAtMs > options.clock.monotonicMs()) return held?.header;
      return held.challenge === undefined ? held.header : (await renew(held.challenge, signal)).header;
    },
    answer: async (challenges, refused, signal) => {
      // Another request was refused with the same header and has been answered meanwhile.
      if (held !== undefined && held.header !== refused) return held.header;
      const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
      if (bearer !== undefined) {
        const { header } = await renew(readTokenChallenge(bearer, options), signal);
        return header === refused ? undefined : header;
      }
      if (!challenges.some(({ scheme }) => scheme === 'basic')) return undefined;
      const credentials = await lookUp(signal);
      description = describeCredentials(credentials, options.registry);
      if (credentials?.kind !== 'password') return undefined;
      held = permanent(basicAuthorization(credentials));
      return held.header === refused ? undefined : held.header;
    },
    hasCredentials: async (signal) => (await lookUp(signal)) !== undefined,
    describe: () => description,
  };
}

export function deniedHint(registry: string): string {
  return `log in: slipway login ${registry}; a repository that does not exist may be refused in the same way`;
}

/** @throws SlipwayError `registry-error` for a challenge that can't be followed safely */
function readTokenChallenge(challenge: Challenge, options: AuthorizerOptions): TokenChallenge {
  const fail = (reason: string): SlipwayError =>
    new SlipwayError('registry-error', {
      task: `log in for ${nameOf(options)}`,
      registry: options.registry,
      reason,
    });
  const realm = URL.parse(challenge.parameters.get('realm') ?? '');
  if (realm === null || (realm.protocol !== 'https:' && realm.protocol !== 'http:')) {
    throw fail('names no address for its token server');
  }
  realm.username = '';
  realm.password = '';
  realm.hash = '';
  const isPlainAllowed = options.isPlain() && (options.plainHttp || isLoopbackHost(realm.hostname));
  if (realm.protocol === 'http:' && !isPlainAllowed) {
    throw fail(`sends us to the token server ${realm.host} without TLS`);
  }
  const service = challenge.parameters.get('service');
  return {
    realm,
    ...(service === undefined ? {} : { service }),
    // A challenge to a request that names no repository (the API's root) has no scope.
    scope:
      challenge.parameters.get('scope') ?? (options.repository === '' ? '' : `repository:${options.repository}:pull`),
  };
}

function nameOf({ registry, repository }: AuthorizerOptions): string {
  return repository === '' ? registry : `${registry}/${repository}`;
}

function permanent(header: string): Held {
  return { header, expiresAtMs: Number.POSITIVE_INFINITY, challenge: undefined };
}

function describeCredentials(credentials: Credentials | undefined, registry: string): string {
  switch (credentials?.kind) {
    case undefined:
      return `there are no credentials for ${registry}`;
    case 'password':
      return `as user ${credentials.username}`;
    case 'identity-token':
      return 'with an identity token';
    case 'registry-token':
      return 'with a registry token';
    default:
      return credentials satisfies never;
  }
}
