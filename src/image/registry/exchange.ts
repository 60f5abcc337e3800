// SPDX-License-Identifier: Apache-2.0
// One request and the answer at the end of its redirects. Registries hand blobs out from storage elsewhere: what lets us
// into the registry is never shown there (the storage's address carries its own signature).
import { SlipwayError } from '../../model/index.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../../sys/http.ts';
import { discardBody } from './answers.ts';

export type Exchange = {
  readonly response: HttpResponse;
  /** Whether the answer comes from the origin that was asked first. */
  readonly isFromOrigin: boolean;
};

export type ExchangeOptions = {
  readonly client: HttpClient;
  readonly maxRedirects: number;
  /** For messages: what the request is for, and whom it asks. */
  readonly task: string;
  readonly registry: string;
  readonly signal: AbortSignal;
};

/**
 * Sends a request and follows up to `maxRedirects` redirects (301, 302, 303, 307, 308) of a GET or HEAD. Authorization stays
 * with the first origin, also when a later redirect leads back to it. From https it never goes to http.
 * @throws SlipwayError `registry-error`: a redirect that leads nowhere or to http, too many; HttpFailure
 */
export async function exchange(request: HttpRequest, options: ExchangeOptions): Promise<Exchange> {
  const fail = (reason: string): SlipwayError =>
    new SlipwayError('registry-error', { task: options.task, registry: options.registry, reason });
  let current = request;
  for (let redirects = 0; ; redirects++) {
    const response = await options.client.request(current, options.signal);
    const target = redirectTarget(response, current.url);
    if (target === undefined || (current.method !== 'GET' && current.method !== 'HEAD')) {
      return { response, isFromOrigin: current.url.origin === request.url.origin };
    }
    await discardBody(response);
    if (target === 'malformed') throw fail('redirects to something that is no address');
    if (redirects >= options.maxRedirects) throw fail(`redirects more than ${options.maxRedirects} times`);
    if (target.protocol !== 'https:' && (target.protocol !== 'http:' || current.url.protocol === 'https:')) {
      throw fail(`redirects to ${target.protocol}//${target.host}, which is not secure`);
    }
    current = { ...current, url: target, headers: headersFor(current, target) };
  }
}

function redirectTarget(response: HttpResponse, from: URL): URL | 'malformed' | undefined {
  if (![301, 302, 303, 307, 308].includes(response.status)) return undefined;
  const location = response.header('location')[0];
  const target = location === undefined ? null : URL.parse(location, from.href);
  if (target === null) return 'malformed';
  // A name and password in the address would be sent by nobody; without them two addresses of one origin compare.
  target.username = '';
  target.password = '';
  return target;
}

function headersFor(request: HttpRequest, target: URL): Readonly<Record<string, string>> {
  if (target.origin === request.url.origin) return request.headers;
  return Object.fromEntries(Object.entries(request.headers).filter(([name]) => name !== 'authorization'));
}
