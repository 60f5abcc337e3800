// SPDX-License-Identifier: Apache-2.0
// Where credentials come from: the files that docker, podman and skopeo write, in the order of containers-auth.json(5),
// and the helper programs that those name.
import { SlipwayError } from '../../model/index.ts';
import { readFileIfPresent } from '../../sys/files.ts';
import { getFromHelper } from './credential-helper.ts';
import { type CredentialOwner, credentialPlaces, filesHelper } from './credential-places.ts';
import {
  type Credentials,
  type CredentialsAnswer,
  findCredentials,
  helperServers,
  parseCredentialsFile,
} from './credentials-file.ts';
import { findInNetrc } from './netrc.ts';

/** Credentials for a repository of a registry (`docker.io` for the Hub), or undefined where there are none. */
export type CredentialLookup = (
  registry: string,
  repository: string,
  signal: AbortSignal,
) => Promise<Credentials | undefined>;

export type CredentialSettings = CredentialOwner & {
  readonly helperTimeoutMs?: number;
  /** What to ask, in order: names of helper programs, and `containers-auth.json` for the files. The files unless given. */
  readonly helpers?: readonly string[];
};

const maxFileBytes = 4 * 1024 * 1024;

/** No credentials for anyone. */
export const noCredentials: CredentialLookup = () => Promise.resolve(undefined);

/**
 * Looks credentials up in the files of `credentialPlaces`: the first that knows the repository. At last in .netrc. Files
 * are read at each call, so that a login during a long pull counts.
 * @throws SlipwayError `credentials-unreadable`, `credential-helper-failed`
 */
export function createCredentialLookup(settings: CredentialSettings): CredentialLookup {
  return async (registry, repository, signal) => {
    for (const helper of settings.helpers ?? [filesHelper]) {
      const credentials =
        helper === filesHelper
          ? await askFiles(registry, repository, settings, signal)
          : await askHelper({ kind: 'helper', helper, servers: helperServers(registry) }, settings, signal);
      if (credentials !== undefined) return credentials;
    }
    return await askNetrc(registry, settings);
  };
}

async function askFiles(
  registry: string,
  repository: string,
  settings: CredentialSettings,
  signal: AbortSignal,
): Promise<Credentials | undefined> {
  for (const file of credentialPlaces(settings)) {
    const bytes = await readFileIfPresent(file.path, { maxBytes: maxFileBytes });
    if (bytes === undefined) {
      if (!file.isRequired) continue;
      throw new SlipwayError('credentials-unreadable', { path: file.path, reason: 'there is no such file' });
    }
    if (bytes.length === 0) continue;
    const answer = findCredentials(parseCredentialsFile(bytes.toString('utf8'), file.path), registry, repository);
    if (answer === undefined) continue;
    const credentials = answer.kind === 'credentials' ? answer.credentials : await askHelper(answer, settings, signal);
    if (credentials !== undefined) return credentials;
  }
  return undefined;
}

/** $NETRC or ~/.netrc, as curl(1) and git read it. */
async function askNetrc(registry: string, { environment, home }: CredentialSettings): Promise<Credentials | undefined> {
  const given = environment['NETRC'] ?? '';
  const bytes = await readFileIfPresent(given === '' ? `${home}/.netrc` : given, { maxBytes: maxFileBytes });
  return bytes === undefined ? undefined : findInNetrc(bytes.toString('utf8'), registry);
}

async function askHelper(
  answer: Extract<CredentialsAnswer, { kind: 'helper' }>,
  { environment, helperTimeoutMs: timeoutMs }: CredentialSettings,
  signal: AbortSignal,
): Promise<Credentials | undefined> {
  for (const server of answer.servers) {
    const call = { helper: answer.helper, server, environment, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    const credentials = await getFromHelper(call, signal);
    if (credentials !== undefined) return credentials;
  }
  return undefined;
}
