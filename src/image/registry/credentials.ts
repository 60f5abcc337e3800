// SPDX-License-Identifier: Apache-2.0
// Where credentials come from: the files that docker, podman and skopeo write, in the order of containers-auth.json(5),
// and the helper programs that those name.
import { SlipwayError } from '../../model/index.ts';
import { readFileIfPresent } from '../../sys/files.ts';
import { runProgram } from '../../sys/run-program.ts';
import {
  type Credentials,
  type CredentialsAnswer,
  findCredentials,
  helperServers,
  parseCredentialsFile,
  parseHelperAnswer,
} from './credentials-file.ts';
import { findInNetrc } from './netrc.ts';

/** Credentials for a repository of a registry (`docker.io` for the Hub), or undefined where there are none. */
export type CredentialLookup = (
  registry: string,
  repository: string,
  signal: AbortSignal,
) => Promise<Credentials | undefined>;

export type CredentialSettings = {
  /** The caller's environment: names files, and is what helper programs run in. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly helperTimeoutMs?: number;
  /** What to ask, in order: names of helper programs, and `containers-auth.json` for the files. The files unless given. */
  readonly helpers?: readonly string[];
};

/** In `helpers`: the files, and the helpers that those name. */
const filesHelper = 'containers-auth.json';

const maxFileBytes = 4 * 1024 * 1024;
const maxHelperBytes = 256 * 1024;

/** No credentials for anyone. */
export const noCredentials: CredentialLookup = () => Promise.resolve(undefined);

/**
 * Looks credentials up in $REGISTRY_AUTH_FILE, which is then the only file; else in
 * $XDG_RUNTIME_DIR/containers/auth.json, ~/.config/containers/auth.json, $DOCKER_CONFIG or ~/.docker/config.json: the
 * first that knows the repository. At last in .netrc. Files are read at each call, so that a login during a long pull counts.
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
  for (const file of credentialFiles(settings)) {
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

function credentialFiles(
  settings: CredentialSettings,
): readonly { readonly path: string; readonly isRequired: boolean }[] {
  const { environment, home } = settings;
  const given = environment['REGISTRY_AUTH_FILE'];
  if (given !== undefined && given !== '') return [{ path: given, isRequired: true }];
  const runtime = environment['XDG_RUNTIME_DIR'];
  const config = environment['XDG_CONFIG_HOME'];
  const docker = environment['DOCKER_CONFIG'];
  return [
    ...(runtime === undefined || runtime === '' ? [] : [`${runtime}/containers/auth.json`]),
    `${config === undefined || config === '' ? `${home}/.config` : config}/containers/auth.json`,
    `${docker === undefined || docker === '' ? `${home}/.docker` : docker}/config.json`,
  ].map((path) => ({ path, isRequired: false }));
}

async function askHelper(
  answer: Extract<CredentialsAnswer, { kind: 'helper' }>,
  settings: CredentialSettings,
  signal: AbortSignal,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${answer.helper}`;
  for (const server of answer.servers) {
    const fail = (reason: string, cause?: unknown): SlipwayError =>
      new SlipwayError('credential-helper-failed', { program, registry: server, reason }, { cause });
    let result;
    try {
      result = await runProgram({
        argv: [program, 'get'],
        environment: settings.environment,
        input: server,
        maxOutputBytes: maxHelperBytes,
        timeoutMs: settings.helperTimeoutMs ?? 60_000,
        signal,
      });
    } catch (error) {
      signal.throwIfAborted();
      throw fail(error instanceof Error ? error.message : String(error), error);
    }
    if (result.exitStatus === 0) {
      const credentials = parseHelperAnswer(result.output.toString('utf8'));
      if (credentials === undefined) throw fail('what it prints is no credentials');
      return credentials;
    }
    // The protocol has no other sign for "I know nothing about it" than this text on the standard output.
    if (!/credentials not found/i.test(result.output.toString('utf8'))) {
      throw fail(`it ended with status ${result.exitStatus}`);
    }
  }
  return undefined;
}
