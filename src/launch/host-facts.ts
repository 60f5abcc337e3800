// SPDX-License-Identifier: Apache-2.0
// The facts of this machine that a plan needs, read through Inputs.
import { squashfuseSearchPath } from '../host/index.ts';
import type { RunRequest } from '../model/index.ts';
import { type HostFacts, mountSources } from '../plan/index.ts';
import type { Inputs } from '../sys/inputs.ts';
import { type Account, accountFromNameService, groupNameFromNameService } from '../sys/name-service.ts';

export type ReadHost = {
  readonly host: HostFacts;
  /** Set where the name service was asked: nothing shows when its answer changes. */
  readonly maxAgeMs?: number;
};

const nameServiceAgeMs = 3_600_000;

export function readHostFacts(inputs: Inputs, request: RunRequest, runDirectory: string): ReadHost {
  const { uid, gid } = inputs.identity();
  const local = lineById(inputs.readText('/etc/passwd'), uid);
  const account: Account | undefined =
    local === undefined
      ? accountFromNameService(uid)
      : { name: local[0] ?? '', fullName: local[4] ?? '', home: local[5] ?? '/', shell: local[6] ?? '/bin/sh' };
  const localGroup = lineById(inputs.readText('/etc/group'), gid);
  const groupName = localGroup === undefined ? groupNameFromNameService(gid) : localGroup[0];
  const fromVariable = inputs.environment('HOME') ?? '';
  const home = inputs.absolute(fromVariable.startsWith('/') ? fromVariable : (account?.home ?? '/'));
  const sourceKinds = mountSources(request, { home }).flatMap((path) => {
    const kind = inputs.kindOf(path);
    return kind === undefined ? [] : [[path, kind] as const];
  });
  return {
    host: {
      uid,
      gid,
      userName: account?.name ?? `user${uid}`,
      groupName: groupName ?? `group${gid}`,
      fullName: account?.fullName ?? '',
      home,
      sourceKinds: new Map(sourceKinds),
      shell: account?.shell ?? '/bin/sh',
      temporaryDirectory: inputs.environment('TMPDIR'),
      squashfuse: squashfuseSearchPath
        .split(':')
        .map((directory) => `${directory}/squashfuse_ll`)
        .find((path) => inputs.kindOf(path) === 'file'),
      generatedDirectory: runDirectory,
    },
    ...(local === undefined || localGroup === undefined ? { maxAgeMs: nameServiceAgeMs } : {}),
  };
}

/** The fields of the line of passwd(5) or group(5) text whose third field is `id`. */
function lineById(text: string | undefined, id: number): readonly string[] | undefined {
  return text
    ?.split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === String(id));
}
