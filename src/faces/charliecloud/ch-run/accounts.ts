// SPDX-License-Identifier: Apache-2.0
// The /etc/passwd and /etc/group that a container shows: root, nobody, and who one is in the container.
import type { Inputs } from '../../../sys/inputs.ts';
import { accountFromNameService, groupNameFromNameService } from '../../../sys/name-service.ts';

export type Accounts = {
  readonly passwd: string;
  readonly group: string;
  /** Whether the name service was asked, whose answer may change without a trace. */
  readonly isFromNameService: boolean;
  /** For whom the host has no name. */
  readonly unknown: { readonly uid: boolean; readonly gid: boolean };
};

export function accountsOf(ids: { readonly uid: number; readonly gid: number }, inputs: Inputs): Accounts {
  const localUser = fieldsOf(inputs.readText('/etc/passwd'), ids.uid);
  const asked = localUser === undefined ? accountFromNameService(ids.uid) : undefined;
  const user = localUser === undefined ? asked : { name: localUser[0] ?? '', fullName: localUser[4] ?? '' };
  const localGroup = fieldsOf(inputs.readText('/etc/group'), ids.gid)?.[0];
  const group = localGroup ?? groupNameFromNameService(ids.gid);
  const passwdLines = [
    ...(ids.uid === 0 ? [] : ['root:x:0:0:root:/root:/bin/sh']),
    ...(ids.uid === 65534 ? [] : ['nobody:x:65534:65534:nobody:/:/bin/false']),
    `${user?.name ?? 'charlie'}:x:${ids.uid}:${ids.gid}:${user?.fullName ?? 'Charlie'}:/:/bin/sh`,
  ];
  const groupLines = [
    ...(ids.gid === 0 ? [] : ['root:x:0:']),
    ...(ids.gid === 65534 ? [] : ['nogroup:x:65534:']),
    `${group ?? 'charliegroup'}:x:${ids.gid}:`,
  ];
  return {
    passwd: `${passwdLines.join('\n')}\n`,
    group: `${groupLines.join('\n')}\n`,
    isFromNameService: localUser === undefined || localGroup === undefined,
    unknown: { uid: user === undefined, gid: group === undefined },
  };
}

/** Of the line of passwd(5) or group(5) text whose third field is `id`. */
function fieldsOf(text: string | undefined, id: number): readonly string[] | undefined {
  return text
    ?.split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === String(id));
}
