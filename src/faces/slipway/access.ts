// SPDX-License-Identifier: Apache-2.0
import type { ImageAccess } from '../../image/index.ts';
// The store's own door: see store.ts.
// oxlint-disable-next-line no-restricted-imports
import { makeAccess } from '../../image/store/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { accountFromNameService, groupNameFromNameService, idFromNameService } from '../../sys/name-service.ts';
import { printable } from '../terminal/printable.ts';
import type { CommandContext } from './context.ts';
import { access as description } from './descriptions/access.ts';
import { readCommandLine, usageError } from './read-command-line.ts';
import { openUserStore } from './store.ts';

export async function run(argv: readonly string[], { environment, signal }: CommandContext): Promise<number> {
  const { stdout } = environment;
  const line = readCommandLine(description, argv);
  const wanted = readAccess(line.values('user'), line.values('group'));
  if (line.has('everyone') && wanted !== undefined)
    throw usageError(description, '--everyone leaves nobody to be named');
  const store = await openUserStore(environment);
  const found = store.findImage(line.operands[0] ?? '');
  if (wanted === undefined && !line.has('everyone')) {
    for (const who of describe(found.image.access)) stdout.write(`${printable(who)}\n`);
    return 0;
  }
  await store.withImage(found.image.digest, { signal }, async (locked) => {
    const image = await locked.read();
    if (image === undefined)
      throw new SlipwayError('image-not-found', { reference: found.image.digest, store: store.path });
    await locked.setAccess(image, wanted);
  });
  return 0;
}

/** Undefined where nobody is named. @throws SlipwayError `account-unknown` */
export function readAccess(users: readonly string[], groups: readonly string[]): ImageAccess | undefined {
  if (users.length === 0 && groups.length === 0) return undefined;
  return makeAccess(
    users.map((name) => idOf('user', name)),
    groups.map((name) => idOf('group', name)),
  );
}

function idOf(kind: 'user' | 'group', name: string): number {
  const id = /^[0-9]{1,9}$/.test(name) ? Number(name) : idFromNameService(kind, name);
  if (id === undefined) throw new SlipwayError('account-unknown', { kind, name });
  return id;
}

function describe(access: ImageAccess | undefined): readonly string[] {
  if (access === undefined) return ['everyone'];
  const users = access.users.map((uid) => `user:${accountFromNameService(uid)?.name ?? uid}`);
  const groups = access.groups.map((gid) => `group:${groupNameFromNameService(gid) ?? gid}`);
  return [...users, ...groups];
}
