// SPDX-License-Identifier: Apache-2.0
// The tables, alike in SQLite and PostgreSQL, and how they came to be. Lists and objects are JSON text, truth is 0 or 1,
// times are seconds: what both understand. A migration that has been released is never changed, only followed.
import type { Kysely } from 'kysely';
import type { Migration, MigrationProvider } from 'kysely/migration';

export type ImagesTable = {
  key: string;
  system: string;
  itype: string;
  pull_tag: string;
  /** The tags that the table `tags` points at this image, as JSON: changed in the same transaction. */
  tags: string;
  image_id: string | null;
  status: string;
  status_message: string | null;
  format: string;
  user_acl: string | null;
  group_acl: string | null;
  is_private: number | null;
  facts: string | null;
  last_pull: number | null;
  last_heartbeat: number | null;
  expiration: number | null;
  progress: string | null;
  requester_uid: number;
  requester: string;
  file_path: string | null;
  job: string | null;
  attempts: number;
  queued: number;
  /** `SYSTEM ITYPE TAG` while a pull of it is in flight: the database allows one. */
  flight: string | null;
  /** `SYSTEM ITYPE ID` while READY: the database allows one. */
  ready: string | null;
  lease_owner: string | null;
  lease_token: string | null;
  lease_until: number | null;
  sealed_credentials: string | null;
  /** The system's `generation` when this was last made READY, changed while READY, or ceased to be; 0 where it never was. */
  changed: number;
};

export type TagsTable = { system: string; itype: string; tag: string; image_key: string; owner_uid: number | null };
export type MetricsTable = {
  time: number;
  system: string;
  user_name: string;
  uid: number;
  itype: string;
  tag: string;
  image_id: string;
};
export type SettingsTable = { name: string; value: string };
/** `whole_since`: what became of images in earlier generations can't be told from their rows, as some are gone. */
export type GenerationsTable = { system: string; generation: number; whole_since: number };

export type Tables = {
  images: ImagesTable;
  tags: TagsTable;
  metrics: MetricsTable;
  settings: SettingsTable;
  generations: GenerationsTable;
};

const migrations: Readonly<Record<string, Migration>> = {
  '0001-images': { up: createImages },
  '0002-changes': { up: addChanges },
};

export const migrationProvider: MigrationProvider = { getMigrations: () => Promise.resolve({ ...migrations }) };

// Kysely types a migration's database so: a migration must not depend on what the tables are today.
async function createImages(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('images')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('system', 'text', (column) => column.notNull())
    .addColumn('itype', 'text', (column) => column.notNull())
    .addColumn('pull_tag', 'text', (column) => column.notNull())
    .addColumn('tags', 'text', (column) => column.notNull())
    .addColumn('image_id', 'text')
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('status_message', 'text')
    .addColumn('format', 'text', (column) => column.notNull())
    .addColumn('user_acl', 'text')
    .addColumn('group_acl', 'text')
    .addColumn('is_private', 'integer')
    .addColumn('facts', 'text')
    .addColumn('last_pull', 'double precision')
    .addColumn('last_heartbeat', 'double precision')
    .addColumn('expiration', 'double precision')
    .addColumn('progress', 'text')
    .addColumn('requester_uid', 'bigint', (column) => column.notNull())
    .addColumn('requester', 'text', (column) => column.notNull())
    .addColumn('file_path', 'text')
    .addColumn('job', 'text')
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('queued', 'double precision', (column) => column.notNull())
    .addColumn('flight', 'text', (column) => column.unique())
    .addColumn('ready', 'text', (column) => column.unique())
    .addColumn('lease_owner', 'text')
    .addColumn('lease_token', 'text')
    .addColumn('lease_until', 'double precision')
    .addColumn('sealed_credentials', 'text')
    .execute();
  await database.schema.createIndex('images_by_name').on('images').columns(['system', 'itype', 'pull_tag']).execute();
  await database.schema.createIndex('images_by_status').on('images').columns(['status', 'system']).execute();
  await database.schema.createIndex('images_by_job').on('images').columns(['job', 'queued']).execute();

  await database.schema
    .createTable('tags')
    .addColumn('system', 'text', (column) => column.notNull())
    .addColumn('itype', 'text', (column) => column.notNull())
    .addColumn('tag', 'text', (column) => column.notNull())
    .addColumn('image_key', 'text', (column) => column.notNull().references('images.key').onDelete('cascade'))
    .addColumn('owner_uid', 'bigint')
    .addPrimaryKeyConstraint('tags_primary_key', ['system', 'itype', 'tag'])
    .execute();
  await database.schema.createIndex('tags_by_image').on('tags').column('image_key').execute();

  await database.schema
    .createTable('metrics')
    .addColumn('time', 'double precision', (column) => column.notNull())
    .addColumn('system', 'text', (column) => column.notNull())
    .addColumn('user_name', 'text', (column) => column.notNull())
    .addColumn('uid', 'bigint', (column) => column.notNull())
    .addColumn('itype', 'text', (column) => column.notNull())
    .addColumn('tag', 'text', (column) => column.notNull())
    .addColumn('image_id', 'text', (column) => column.notNull())
    .execute();
  await database.schema.createIndex('metrics_by_time').on('metrics').columns(['system', 'time']).execute();

  await database.schema
    .createTable('settings')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('value', 'text', (column) => column.notNull())
    .execute();
  await database.schema
    .createTable('generations')
    .addColumn('system', 'text', (column) => column.primaryKey())
    .addColumn('generation', 'bigint', (column) => column.notNull())
    .execute();
}

async function addChanges(database: Kysely<unknown>): Promise<void> {
  for (const [table, column] of [
    ['images', 'changed'],
    ['generations', 'whole_since'],
  ] as const) {
    await database.schema
      .alterTable(table)
      .addColumn(column, 'bigint', (definition) => definition.notNull().defaultTo(0))
      .execute();
  }
  await database.schema.createIndex('images_by_change').on('images').columns(['system', 'changed']).execute();
  await database.schema.dropIndex('images_by_status').execute();
  await database.schema.createIndex('images_by_status').on('images').columns(['status', 'system', 'key']).execute();
}
