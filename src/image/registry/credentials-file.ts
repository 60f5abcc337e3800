// SPDX-License-Identifier: Apache-2.0
// The file in which docker, podman and skopeo keep what lets a person into registries: docker's config.json, and
// containers-auth.json(5), which adds keys for single repositories and namespaces. Pure: reading is credentials.ts's.
import { defaultRegistry, parseJson, SlipwayError } from '../../model/index.ts';

export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, to be exchanged at the registry's token server. */
  | { readonly kind: 'identity-token'; readonly token: string }
  /** Sent to the registry as it is. */
  | { readonly kind: 'registry-token'; readonly token: string };

export type CredentialsFile = {
  /** By key, as written in the file. */
  readonly auths: ReadonlyMap<string, Credentials>;
  /** Registry to the name of a helper program (`docker-credential-NAME`). */
  readonly helpers: ReadonlyMap<string, string>;
  /** The helper for all other registries. */
  readonly store?: string;
};

/** What a file says about a repository. */
export type CredentialsAnswer =
  | { readonly kind: 'credentials'; readonly credentials: Credentials }
  /** Ask the helper, with each of these server names in turn. */
  | { readonly kind: 'helper'; readonly helper: string; readonly servers: readonly string[] };

/** Docker's name for the Hub in this file and towards helpers, from the time of its first API. */
export const dockerHubKey = 'https://index.docker.io/v1/';
const helperName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * @param path for messages only
 * @throws SlipwayError `credentials-unreadable`; its message never shows what the file holds
 */
export function parseCredentialsFile(text: string, path: string): CredentialsFile {
  const fail = (reason: string): SlipwayError => new SlipwayError('credentials-unreadable', { path, reason });
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which may be a password.
    throw fail('it is not JSON');
  }
  const top = entriesOf(document);
  if (top === undefined) throw fail('it is not a JSON object');

  const auths = new Map<string, Credentials>();
  for (const [key, value] of section(top, 'auths', fail)) {
    const fields = entriesOf(value);
    if (fields === undefined) throw fail(`the entry for ${key} is not an object`);
    const credentials = readCredentials(fields, (reason) => fail(`the entry for ${key} ${reason}`));
    if (credentials !== undefined) auths.set(key, credentials);
  }
  const helpers = new Map<string, string>();
  for (const [registry, helper] of section(top, 'credHelpers', fail)) {
    if (typeof helper !== 'string' || !helperName.test(helper)) throw fail(`credHelpers for ${registry} is no name`);
    helpers.set(registry, helper);
  }
  const store = top.get('credsStore') ?? '';
  if (typeof store !== 'string' || (store !== '' && !helperName.test(store))) throw fail('credsStore is no name');
  return { auths, helpers, ...(store === '' ? {} : { store }) };
}

/**
 * Where to get the credentials for a repository: a helper that is named for its registry, else the entry with the
 * longest key that leads to it, else the helper for all.
 */
export function findCredentials(
  file: CredentialsFile,
  registry: string,
  repository: string,
): CredentialsAnswer | undefined {
  const names = namesOf(registry);
  const servers = helperServers(registry);
  for (const name of names) {
    const helper = file.helpers.get(name);
    if (helper !== undefined) return { kind: 'helper', helper, servers };
  }
  const components = repository.split('/');
  for (let length = components.length; length >= 0; length--) {
    const path = components
      .slice(0, length)
      .map((component) => `/${component}`)
      .join('');
    for (const name of names) {
      const credentials = file.auths.get(`${name}${path}`);
      if (credentials !== undefined) return { kind: 'credentials', credentials };
    }
  }
  for (const [key, credentials] of file.auths) {
    const host = hostOfUrlKey(key);
    if (host !== undefined && names.includes(host)) return { kind: 'credentials', credentials };
  }
  return file.store === undefined ? undefined : { kind: 'helper', helper: file.store, servers };
}

/** By which names helpers may know a registry. */
export function helperServers(registry: string): readonly [string, ...string[]] {
  return registry === defaultRegistry ? [dockerHubKey, registry] : [registry];
}

/**
 * What a helper prints for `get` (docker-credential-helpers' protocol); undefined when it is not that.
 * The user name `<token>` marks an identity token.
 */
export function parseHelperAnswer(text: string): Credentials | undefined {
  const document = parseJson(text);
  const fields = entriesOf(document);
  const username = fields?.get('Username');
  const secret = fields?.get('Secret');
  if (typeof username !== 'string' || typeof secret !== 'string' || secret === '') return undefined;
  if (username === '<token>') return { kind: 'identity-token', token: secret };
  return { kind: 'password', username, password: secret };
}

function readCredentials(
  fields: ReadonlyMap<string, unknown>,
  fail: (reason: string) => SlipwayError,
): Credentials | undefined {
  const text = (name: string): string => {
    const value = fields.get(name) ?? '';
    if (typeof value !== 'string') throw fail(`has a ${name} that is not a string`);
    return value;
  };
  if (text('identitytoken') !== '') return { kind: 'identity-token', token: text('identitytoken') };
  if (text('registrytoken') !== '') return { kind: 'registry-token', token: text('registrytoken') };
  if (text('auth') === '') {
    // An empty entry is what docker leaves for a registry whose secret is with a helper.
    if (text('username') === '') return undefined;
    return { kind: 'password', username: text('username'), password: text('password') };
  }
  const decoded = Buffer.from(text('auth'), 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon <= 0) throw fail('has an auth that is not the base64 of USER:PASSWORD');
  // Docker pads what it decodes with NULs.
  return {
    kind: 'password',
    username: decoded.slice(0, colon),
    password: decoded.slice(colon + 1).replace(/\0+$/, ''),
  };
}

function namesOf(registry: string): readonly string[] {
  return registry === defaultRegistry ? [registry, 'index.docker.io', 'registry-1.docker.io'] : [registry];
}

/** The keys under which a file may have a registry as a whole. */
export function keysOf(registry: string): readonly string[] {
  const names = namesOf(registry);
  return [
    ...names,
    ...names.flatMap((name) => ['', '/', '/v1/', '/v2/', '/v1', '/v2'].map((end) => `https://${name}${end}`)),
  ];
}

/** `host[:port]` of a key that is written as an address, as docker once wrote all of them. */
function hostOfUrlKey(key: string): string | undefined {
  return /^https?:\/\/([^/]+)(?:\/(?:v[12]\/?)?)?$/.exec(key)?.[1];
}

function section(
  top: ReadonlyMap<string, unknown>,
  name: string,
  fail: (reason: string) => SlipwayError,
): ReadonlyMap<string, unknown> {
  const entries = entriesOf(top.get(name) ?? {});
  if (entries === undefined) throw fail(`${name} is not an object`);
  return entries;
}

function entriesOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? new Map(Object.entries(value))
    : undefined;
}
