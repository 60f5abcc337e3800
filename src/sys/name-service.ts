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

export function groupNameFromNameService(gid: number): string | undefined {
  return getent('group', gid)?.[0];
}

/** getent(1): the C library of the host asks, with all its modules; there is no other way that works everywhere. */
function getent(database: 'passwd' | 'group', id: number): readonly string[] | undefined {
  // Loaded here, for the few who need it: it would cost every planning several milliseconds.
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const result = spawnSync('/usr/bin/getent', [database, String(id)], {
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: timeoutMs,
    encoding: 'utf8',
  });
  return result.status === 0 && result.stdout !== '' ? result.stdout.trimEnd().split(':') : undefined;
}
