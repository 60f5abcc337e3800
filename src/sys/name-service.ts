// SPDX-License-Identifier: Apache-2.0
// The system's name service (LDAP, sssd…), for ids that are in no local file.

export type Account = {
  readonly name: string;
  readonly fullName: string;
  readonly home: string;
  readonly shell: string;
};

const timeoutMs = 10_000;

/** The account of a uid, or undefined where nobody knows it. */
export function accountFromNameService(uid: number): Account | undefined {
  const fields = getent('passwd', uid);
  if (fields === undefined) return undefined;
  return { name: fields[0] ?? '', fullName: fields[4] ?? '', home: fields[5] ?? '/', shell: fields[6] ?? '/bin/sh' };
}

/** An account with its ids. */
export type FullAccount = Account & { readonly uid: number; readonly gid: number };

export function accountById(uid: number): FullAccount | undefined {
  return fullAccount(getent('passwd', uid));
}

export function accountByName(name: string): FullAccount | undefined {
  return fullAccount(getent('passwd', name));
}

/** The groups of a user by name, his own first; empty where nobody knows him. */
export function groupIdsOf(name: string): readonly number[] {
  // One line: the name, then ids between blanks.
  const words = getent('initgroups', name)?.[0]?.split(/ +/).slice(1) ?? [];
  return words.filter((word) => /^[0-9]+$/.test(word)).map(Number);
}

function fullAccount(fields: readonly string[] | undefined): FullAccount | undefined {
  if (fields === undefined) return undefined;
  const [name = '', , uid = '', gid = '', fullName = '', home = '/', shell = '/bin/sh'] = fields;
  return { name, uid: Number(uid), gid: Number(gid), fullName, home, shell };
}

export function groupNameFromNameService(gid: number): string | undefined {
  return getent('group', gid)?.[0];
}

/** The number of a user or group by its name. */
export function idFromNameService(kind: 'user' | 'group', name: string): number | undefined {
  const id = getent(kind === 'user' ? 'passwd' : 'group', name)?.[2];
  return id !== undefined && /^[0-9]{1,10}$/.test(id) ? Number(id) : undefined;
}

/** getent(1): the C library of the host asks, with all its modules; there is no other way that works everywhere. */
function getent(database: 'passwd' | 'group' | 'initgroups', id: number | string): readonly string[] | undefined {
  // Loaded here, for the few who need it: it would cost every planning several milliseconds.
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const result = spawnSync('/usr/bin/getent', [database, '--', String(id)], {
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: timeoutMs,
    encoding: 'utf8',
  });
  return result.status === 0 && result.stdout !== '' ? result.stdout.trimEnd().split(':') : undefined;
}
