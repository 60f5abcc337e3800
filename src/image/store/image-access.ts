// SPDX-License-Identifier: Apache-2.0
import type { ImageAccess, StoredImage } from '../types.ts';

/**
 * Whether a person may use an image: for a service that reads its store on behalf of others. Where people read a store
 * themselves, the kernel decides by the access lists of the files.
 */
export function mayUse(
  image: StoredImage,
  person: { readonly uid: number; readonly groups: readonly number[] },
): boolean {
  const { access } = image;
  return (
    access === undefined ||
    access.users.includes(person.uid) ||
    person.groups.some((gid) => access.groups.includes(gid))
  );
}

/** Everybody in order and once, as records have it. */
export function makeAccess(users: readonly number[], groups: readonly number[]): ImageAccess {
  const sorted = (ids: readonly number[]): readonly number[] => [...new Set(ids)].sort((a, b) => a - b);
  return { users: sorted(users), groups: sorted(groups) };
}
