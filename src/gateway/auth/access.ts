// SPDX-License-Identifier: Apache-2.0
// Who may do what.
import type { GatewayConfig } from '../../site/index.ts';
import type { People } from '../../sys/people.ts';
import type { ImageRecord } from '../records/types.ts';
import type { Session } from './session.ts';

/** The user's name, from the session or the name service. */
export async function userOf(session: Session, people: People): Promise<string> {
  return session.user ?? (await people.nameOf(session.uid));
}

export async function isAdmin(session: Session, config: GatewayConfig, people: People): Promise<boolean> {
  const admins = config.platforms.get(session.system)?.admins ?? [];
  return admins.length > 0 && admins.includes(await userOf(session, people));
}

export async function mayImport(session: Session, config: GatewayConfig, people: People): Promise<boolean> {
  const { importUsers } = config;
  return importUsers === 'all' || (importUsers.length > 0 && importUsers.includes(await userOf(session, people)));
}

/** Whether an image is closed to anyone at all. */
export function isRestricted({ isPrivate, userAcl, groupAcl }: ImageRecord): boolean {
  return isPrivate !== false && ((userAcl?.length ?? 0) > 0 || (groupAcl?.length ?? 0) > 0);
}

/**
 * Whether the caller may see and use an image. Administrators have no privilege here: an access list is the owner's
 * word, and the runtime asks the list too.
 */
export async function mayRead(record: ImageRecord, session: Session, people: People): Promise<boolean> {
  if (!isRestricted(record)) return true;
  if (record.userAcl?.includes(session.uid) === true) return true;
  const groups = record.groupAcl ?? [];
  if (groups.length === 0) return false;
  if (groups.includes(session.gid)) return true;
  return (await people.groupsOf(session.uid)).some((gid) => groups.includes(gid));
}
