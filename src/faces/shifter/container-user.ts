// SPDX-License-Identifier: Apache-2.0
// For whom a container is: by the site's passwd file, or the name service where the site allows it.
import { SlipwayError } from '../../model/index.ts';
import type { UdiRoot } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import { accountById } from '../../sys/name-service.ts';

export type ContainerUser = {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Supplementary. */
  readonly groups: readonly number[];
  readonly fullName: string;
  readonly home: string;
  readonly shell: string;
};

/**
 * Who `identity` is.
 * @throws SlipwayError `shifter-user-refused` for root, for root's group, and for a uid that nobody knows.
 */
export function containerUser(
  udiRoot: Pick<UdiRoot, 'allowLibcPwdCalls' | 'etcPath'>,
  identity: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] },
  inputs: Inputs,
): ContainerUser {
  const { uid, gid } = identity;
  const fail = (reason: string): never => {
    throw new SlipwayError('shifter-user-refused', { uid, reason });
  };
  if (uid === 0) fail('root runs nothing in containers');
  if (gid === 0) fail("root's group runs nothing in containers");
  const { allowLibcPwdCalls, etcPath } = udiRoot;
  const listed = lineById(inputs.readText(`${etcPath}/passwd`), uid);
  const fields = listed ?? (allowLibcPwdCalls ? lineById(inputs.readText('/etc/passwd'), uid) : undefined);
  const account =
    fields === undefined
      ? allowLibcPwdCalls
        ? accountById(uid)
        : undefined
      : { name: fields[0] ?? '', fullName: fields[4] ?? '', home: fields[5] ?? '/', shell: fields[6] ?? '/bin/sh' };
  if (account === undefined || account.name === '') {
    return fail(
      allowLibcPwdCalls
        ? 'nobody has this uid'
        : `${etcPath}/passwd has nobody with this uid, and allowLibcPwdCalls is 0`,
    );
  }
  const { name, fullName, home, shell } = account;
  // Membership in root's group would show what is root's.
  const groups = [...new Set(identity.groups.map((group) => (group === 0 ? gid : group)))];
  return { name, uid, gid, groups, fullName, home, shell };
}

function lineById(text: string | undefined, id: number): readonly string[] | undefined {
  return text
    ?.split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === String(id));
}
