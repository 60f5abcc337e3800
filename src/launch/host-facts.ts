// SPDX-License-Identifier: Apache-2.0
// The facts of this machine that a plan needs, read through Inputs.
import { squashfuseSearchPath } from '../host/index.ts';
import type { RunRequest } from '../model/index.ts';
import { type HostFacts, mountSources } from '../plan/index.ts';
import type { Inputs } from '../sys/inputs.ts';
import { type Account, accountFromNameService, groupNameFromNameService } from '../sys/name-service.ts';

/** Who runs a program. */
export type Person = Pick<HostFacts, 'uid' | 'gid' | 'userName' | 'groupName' | 'fullName' | 'home' | 'shell'> & {
  /** Supplementary, as getgroups(2) has them. */
  readonly groups: readonly number[];
};

const nameServiceAgeMs = 3_600_000;

/**
 * Reads who runs the program: from /etc/passwd and /etc/group, or the name service where they are silent. `maxAgeMs` is
 * set in that case: nothing shows when its answer changes.
 */
export function readPerson(inputs: Inputs): { readonly person: Person; readonly maxAgeMs?: number } {
  const { uid, gid, groups } = inputs.identity();
  const local = lineById(inputs.readText('/etc/passwd'), uid);
  const account: Account | undefined =
    local === undefined
      ? accountFromNameService(uid)
      : { name: local[0] ?? '', fullName: local[4] ?? '', home: local[5] ?? '/', shell: local[6] ?? '/bin/sh' };
  const localGroup = lineById(inputs.readText('/etc/group'), gid);
  const groupName = localGroup === undefined ? groupNameFromNameService(gid) : localGroup[0];
  const fromVariable = inputs.environment('HOME') ?? '';
  return {
    person: {
      uid,
      gid,
      groups,
      userName: account?.name ?? `user${uid}`,
      groupName: groupName ?? `group${gid}`,
      fullName: account?.fullName ?? '',
      home: inputs.absolute(fromVariable.startsWith('/') ? fromVariable : (account?.home ?? '/')),
      shell: account?.shell ?? '/bin/sh',
    },
    ...(local === undefined || localGroup === undefined ? { maxAgeMs: nameServiceAgeMs } : {}),
  };
}

export function readHostFacts(
  inputs: Inputs,
  given: { readonly request: RunRequest; readonly person: Person; readonly runDirectory: string },
): HostFacts {
  const { request, person, runDirectory } = given;
  const sourceKinds = mountSources(request, person).flatMap((path) => {
    const kind = inputs.kindOf(path);
    return kind === undefined ? [] : [[path, kind] as const];
  });
  return {
    ...person,
    sourceKinds: new Map(sourceKinds),
    temporaryDirectory: inputs.environment('TMPDIR'),
    squashfuse: squashfuseSearchPath
      .split(':')
      .map((directory) => `${directory}/squashfuse_ll`)
      .find((path) => inputs.kindOf(path) === 'file'),
    generatedDirectory: runDirectory,
  };
}

/** The fields of the line of passwd(5) or group(5) text whose third field is `id`. */
function lineById(text: string | undefined, id: number): readonly string[] | undefined {
  return text
    ?.split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === String(id));
}
