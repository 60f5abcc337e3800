// SPDX-License-Identifier: Apache-2.0
// Logging in and out: credentials into the file, or the helper program, in which they will be found again.
import { dirname } from 'node:path';
import { defaultRegistry, SlipwayError } from '../../model/index.ts';
import { ensureDirectory, readFileIfPresent, writeFileAtomic } from '../../sys/files.ts';
import { withLock } from '../../sys/lock-file.ts';
import { eraseFromHelper, getFromHelper, putInHelper } from './credential-helper.ts';
import {
  type CredentialOwner,
  type CredentialPlace,
  credentialPlaces,
  filesHelper,
  lastingAuthFile,
} from './credential-places.ts';
import {
  type Credentials,
  type CredentialsFile,
  dockerHubKey,
  helperServers,
  keysOf,
  parseCredentialsFile,
} from './credentials-file.ts';

export type CredentialKeeping = CredentialOwner & {
  /** As in `CredentialSettings`. */
  readonly helpers?: readonly string[];
};

/** What credentials are for: a registry, or a part of it. */
export type CredentialScope = { readonly registry: string; readonly namespace?: string };

type Target =
  | { readonly kind: 'file'; readonly place: CredentialPlace }
  | { readonly kind: 'helper'; readonly helper: string };

const maxFileBytes = 4 * 1024 * 1024;

/**
 * Keeps credentials where the next look-up finds them first: in the helper that is set for the registry, else in the file
 * that has an entry for it already, else in ~/.config/containers/auth.json; mode 0600.
 * @returns where, for people
 * @throws SlipwayError `credentials-unreadable`, `credential-helper-failed`, those of writing a file
 */
export async function keepCredentials(
  scope: CredentialScope,
  credentials: Extract<Credentials, { kind: 'password' }>,
  keeping: CredentialKeeping,
  signal: AbortSignal,
): Promise<string> {
  const target = await chooseTarget(scope, keeping);
  if (target.kind === 'helper') {
    const call = { helper: target.helper, server: helperServers(scope.registry)[0], environment: keeping.environment };
    await putInHelper(call, credentials, signal);
    return `docker-credential-${target.helper}`;
  }
  const { path, isDockers } = target.place;
  const auth = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
  await editAuths(path, signal, (auths) => {
    for (const key of keysFor(scope)) auths.delete(key);
    auths.set(keyFor(scope, isDockers), { auth });
  });
  return path;
}

/**
 * Removes credentials from all files and helpers that have them.
 * @returns from where, for people
 * @throws SlipwayError `login-unknown` where there are none; as `keepCredentials`
 */
export async function dropCredentials(
  scope: CredentialScope,
  keeping: CredentialKeeping,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const dropped: string[] = [];
  const helpers = new Set((keeping.helpers ?? []).filter((helper) => helper !== filesHelper));
  for (const { path } of credentialPlaces(keeping)) {
    const file = await readCredentialsFile(path);
    if (file === undefined) continue;
    for (const helper of helpersIn(file, scope.registry)) helpers.add(helper);
    if (!keysFor(scope).some((key) => file.keys.has(key))) continue;
    await editAuths(path, signal, (auths) => {
      for (const key of keysFor(scope)) auths.delete(key);
    });
    dropped.push(path);
  }
  if (scope.namespace === undefined) {
    for (const helper of helpers) {
      for (const server of helperServers(scope.registry)) {
        const call = { helper, server, environment: keeping.environment };
        if ((await getFromHelper(call, signal)) === undefined) continue;
        await eraseFromHelper(call, signal);
        dropped.push(`docker-credential-${helper}`);
      }
    }
  }
  if (dropped.length === 0) throw new SlipwayError('login-unknown', { registry: nameOf(scope) });
  return dropped;
}

/** Forgets everything that is in files; helpers keep what is not ours to list. The paths. */
export async function dropAllCredentials(keeping: CredentialKeeping, signal: AbortSignal): Promise<readonly string[]> {
  const dropped: string[] = [];
  for (const { path } of credentialPlaces(keeping)) {
    const file = await readCredentialsFile(path);
    if (file === undefined || file.keys.size === 0) continue;
    await editAuths(path, signal, (auths) => auths.clear());
    dropped.push(path);
  }
  return dropped;
}

async function chooseTarget(scope: CredentialScope, keeping: CredentialKeeping): Promise<Target> {
  // A helper knows registries, and no part of one.
  const isWhole = scope.namespace === undefined;
  const first = keeping.helpers?.[0];
  if (isWhole && first !== undefined && first !== filesHelper) return { kind: 'helper', helper: first };
  const places = credentialPlaces(keeping);
  const files = await Promise.all(
    places.map(async (place) => ({ place, file: await readCredentialsFile(place.path) })),
  );
  for (const { place, file } of files) {
    const [named] = file === undefined || !isWhole ? [] : helpersIn(file, scope.registry);
    const hasEntry = keysFor(scope).some((key) => file?.keys.has(key) === true);
    if (named !== undefined && (file?.helpers.has(scope.registry) === true || !hasEntry)) {
      return { kind: 'helper', helper: named };
    }
    if (hasEntry) return { kind: 'file', place };
  }
  const [only] = places;
  if (only?.isRequired === true) return { kind: 'file', place: only };
  return { kind: 'file', place: { path: lastingAuthFile(keeping), isRequired: false, isDockers: false } };
}

function helpersIn(file: CredentialsFile, registry: string): readonly string[] {
  const named = file.helpers.get(registry);
  if (named !== undefined) return [named];
  return file.store === undefined ? [] : [file.store];
}

function keyFor({ registry, namespace }: CredentialScope, isDockers: boolean): string {
  // docker itself knows the Hub by this name alone.
  if (registry === defaultRegistry && isDockers && namespace === undefined) return dockerHubKey;
  return namespace === undefined ? registry : `${registry}/${namespace}`;
}

/** Under all of which a look-up would find what is kept for this scope itself. */
function keysFor({ registry, namespace }: CredentialScope): readonly string[] {
  return namespace === undefined ? keysOf(registry) : [`${registry}/${namespace}`];
}

function nameOf({ registry, namespace }: CredentialScope): string {
  return namespace === undefined ? registry : `${registry}/${namespace}`;
}

async function readCredentialsFile(
  path: string,
): Promise<(CredentialsFile & { readonly keys: ReadonlySet<string> }) | undefined> {
  const bytes = await readFileIfPresent(path, { maxBytes: maxFileBytes });
  if (bytes === undefined || bytes.length === 0) return undefined;
  const text = bytes.toString('utf8');
  const file = parseCredentialsFile(text, path);
  return { ...file, keys: new Set(Object.keys(authsOf(JSON.parse(text)))) };
}

/** Changes `auths` of a file and leaves everything else in it as it is. */
async function editAuths(
  path: string,
  signal: AbortSignal,
  edit: (auths: Map<string, unknown>) => void,
): Promise<void> {
  await ensureDirectory(dirname(path), { mode: 0o700 });
  await withLock(`${path}.lock`, { what: `the file ${path}`, signal }, async () => {
    const text = (await readFileIfPresent(path, { maxBytes: maxFileBytes }))?.toString('utf8') ?? '';
    // Read as a whole, so that a file that is damaged is not made worse.
    if (text !== '') parseCredentialsFile(text, path);
    const document = (text === '' ? {} : JSON.parse(text)) as Readonly<Record<string, unknown>>;
    const auths = new Map(Object.entries(authsOf(document)));
    edit(auths);
    const edited = `${JSON.stringify({ ...document, auths: Object.fromEntries(auths) }, undefined, '\t')}\n`;
    await writeFileAtomic(path, edited, { mode: 0o600 });
  });
}

function authsOf(document: unknown): object {
  const auths = (document as { readonly auths?: unknown }).auths ?? {};
  return typeof auths === 'object' && auths !== null ? auths : {};
}
