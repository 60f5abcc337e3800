// SPDX-License-Identifier: Apache-2.0
// The answer to `list` for a caller: what everyone may see is one text, kept until the records change; what only some
// may see is chosen for each.
import { mayRead } from '../auth/access.ts';
import type { Session } from '../auth/session.ts';
import type { People } from '../../sys/people.ts';
import { listComma, listEnd, type ReadyImages } from './ready-images.ts';

export async function listBody(images: ReadyImages, session: Session, people: People): Promise<Buffer> {
  const { open, restricted, whole } = await images.list(session.system);
  if (whole !== undefined) return whole;
  const parts: Buffer[] = [open];
  let isFirst = open.at(-1) === '['.charCodeAt(0);
  for (const { record, body } of restricted) {
    if (!(await mayRead(record, session, people))) continue;
    if (!isFirst) parts.push(listComma);
    parts.push(body);
    isFirst = false;
  }
  return Buffer.concat([...parts, listEnd]);
}
