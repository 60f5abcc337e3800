// SPDX-License-Identifier: Apache-2.0
import { type IndexMember, platformFit } from '../formats/oci/index.ts';
import type { Platform } from '../model/index.ts';

/** The members of an index to try, in order: those that say they fit, the best first; then those that do not say. */
export function membersFor(members: readonly IndexMember[], wanted: Platform): readonly IndexMember[] {
  const fitting = members.flatMap((member) => {
    const fit = member.platform === undefined ? undefined : platformFit(member.platform, wanted);
    return fit === undefined ? [] : [{ member, fit }];
  });
  fitting.sort((left, right) => right.fit - left.fit);
  return [...fitting.map(({ member }) => member), ...members.filter(({ platform }) => platform === undefined)];
}
