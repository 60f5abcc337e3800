// SPDX-License-Identifier: Apache-2.0
// What `login` keeps: ~/.udiRoot/.cred, lines of `SYSTEM:LOCATION=CREDENTIAL`, each credential a munge one that holds
// `user:password`. munged encrypts it; it is read back on any node with the same key, by its owner only.
import { dirname, join } from 'node:path';
import { ensureDirectory, readFileIfPresent, writeFileAtomic } from '../../sys/files.ts';
import { mungeDecode, mungeEncode } from '../../sys/munge-socket.ts';

export type LoginOptions = {
  readonly home: string;
  readonly system: string;
  readonly uid: number;
  readonly mungeSocket: string;
  readonly signal: AbortSignal;
};

const maxBytes = 1024 * 1024;

function loginsPath(home: string): string {
  return join(home, '.udiRoot', '.cred');
}

/**
 * The payload for a request's credential: all logins of this system, or '' where there are none. Credentials that are
 * old or were read before are as good as new; those that somebody else made are not used.
 */
export async function loginPayload(options: LoginOptions): Promise<string> {
  const { system, uid, mungeSocket: socketPath, signal } = options;
  const locations: Record<string, string> = {};
  for (const [key, credential] of await readLogins(options.home)) {
    if (!key.startsWith(`${system}:`)) continue;
    const answer = await mungeDecode(credential, { socketPath, signal });
    const isLegible = ['success', 'expired', 'replayed', 'rewound'].includes(answer.status);
    if (isLegible && answer.uid === uid) locations[key.slice(system.length + 1)] = answer.payload.toString('utf8');
  }
  if (Object.keys(locations).length === 0) return '';
  return JSON.stringify({ authorized_locations: locations });
}

/** Keeps a login, in the place of an earlier one for this location. */
export async function keepLogin(
  options: LoginOptions,
  login: { readonly location: string; readonly username: string; readonly password: string },
): Promise<void> {
  const { home, system, uid, mungeSocket: socketPath, signal } = options;
  const logins = new Map(await readLogins(home));
  const sealed = await mungeEncode(`${login.username}:${login.password}`, { socketPath, signal, onlyUid: uid });
  logins.set(`${system}:${login.location}`, sealed);
  const path = loginsPath(home);
  await ensureDirectory(dirname(path), { mode: 0o700 });
  await writeFileAtomic(path, [...logins].map(([key, value]) => `${key}=${value}\n`).join(''), { mode: 0o600 });
}

async function readLogins(home: string): Promise<readonly (readonly [string, string])[]> {
  const text = (await readFileIfPresent(loginsPath(home), { maxBytes }))?.toString('utf8') ?? '';
  return text.split('\n').flatMap((line) => {
    const equals = line.indexOf('=');
    return equals < 1 ? [] : [[line.slice(0, equals).trim(), line.slice(equals + 1).trim()] as const];
  });
}
