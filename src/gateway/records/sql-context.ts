// SPDX-License-Identifier: Apache-2.0
import type { Kysely, Transaction } from 'kysely';
import type { Tables } from './schema.ts';

export type Database = Kysely<Tables>;
export type Queries = Kysely<Tables> | Transaction<Tables>;

/** What differs between the two SQL databases, for the modules beside this. */
export type SqlContext = {
  readonly kind: 'sqlite' | 'postgresql';
  readonly database: Database;
  /** Seconds since 1970 by the clock that all who share this database go by. */
  readonly leaseClock: (queries: Queries) => Promise<number>;
  /** Runs a transaction, again from its start where another one was in its way. */
  readonly transact: <Result>(work: (queries: Transaction<Tables>) => Promise<Result>) => Promise<Result>;
};

/** Takes a tag from whichever image has it; that image's key. */
export async function detachTag(
  queries: Queries,
  name: { readonly system: string; readonly itype: string; readonly tag: string },
): Promise<string | undefined> {
  const holder = await queries
    .selectFrom('tags')
    .innerJoin('images', 'images.key', 'tags.image_key')
    .select(['images.key', 'images.tags'])
    .where('tags.system', '=', name.system)
    .where('tags.itype', '=', name.itype)
    .where('tags.tag', '=', name.tag)
    .executeTakeFirst();
  if (holder === undefined) return undefined;
  const left = (JSON.parse(holder.tags) as readonly string[]).filter((tag) => tag !== name.tag);
  await queries
    .updateTable('images')
    .set({ tags: JSON.stringify(left) })
    .where('key', '=', holder.key)
    .execute();
  await queries
    .deleteFrom('tags')
    .where('system', '=', name.system)
    .where('itype', '=', name.itype)
    .where('tag', '=', name.tag)
    .execute();
  return holder.key;
}
