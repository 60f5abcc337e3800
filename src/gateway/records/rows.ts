// SPDX-License-Identifier: Apache-2.0
// Between a row of the table `images` and an ImageRecord.
import type { ImagesTable } from './schema.ts';
import type { ImageFacts, ImageName, ImageRecord, ImageStatus, Job, Progress, RecordChanges } from './types.ts';

export function recordOfRow(row: ImagesTable): ImageRecord {
  return {
    key: row.key,
    system: row.system,
    itype: row.itype,
    pullTag: row.pull_tag,
    tags: (parse(row.tags) as readonly string[] | null) ?? [],
    status: row.status as ImageStatus,
    statusMessage: row.status_message,
    format: row.format,
    userAcl: parse(row.user_acl) as readonly number[] | null,
    groupAcl: parse(row.group_acl) as readonly number[] | null,
    isPrivate: row.is_private === null ? null : row.is_private === 1,
    facts: parse(row.facts) as ImageFacts | null,
    lastPull: row.last_pull,
    lastHeartbeat: row.last_heartbeat,
    expiration: row.expiration,
    progress: parse(row.progress) as Progress | null,
    requesterUid: row.requester_uid,
    requester: row.requester,
    filePath: row.file_path,
    job: row.job as Job | null,
    attempts: row.attempts,
  };
}

/** The columns that a record fills by itself; those of leases and of what must be unique are the caller's. */
export function rowOfRecord(record: ImageRecord): ImagesTable {
  return {
    key: record.key,
    system: record.system,
    itype: record.itype,
    pull_tag: record.pullTag,
    tags: JSON.stringify(record.tags),
    image_id: record.facts?.id ?? null,
    status: record.status,
    status_message: record.statusMessage,
    format: record.format,
    user_acl: text(record.userAcl),
    group_acl: text(record.groupAcl),
    is_private: truth(record.isPrivate),
    facts: text(record.facts),
    last_pull: record.lastPull,
    last_heartbeat: record.lastHeartbeat,
    expiration: record.expiration,
    progress: text(record.progress),
    requester_uid: record.requesterUid,
    requester: record.requester,
    file_path: record.filePath,
    job: record.job,
    attempts: record.attempts,
    queued: record.lastPull ?? 0,
    flight: null,
    ready: record.status === 'READY' && record.facts !== null ? readyName(record, record.facts.id) : null,
    lease_owner: null,
    lease_token: null,
    lease_until: null,
    sealed_credentials: null,
    changed: 0,
  };
}

export function columnsOfChanges(changes: RecordChanges): Partial<ImagesTable> {
  const { status, statusMessage, progress, lastHeartbeat, facts, isPrivate } = changes;
  return {
    ...(status === undefined ? {} : { status }),
    ...(statusMessage === undefined ? {} : { status_message: statusMessage }),
    ...(progress === undefined ? {} : { progress: text(progress) }),
    ...(lastHeartbeat === undefined ? {} : { last_heartbeat: lastHeartbeat }),
    ...(facts === undefined ? {} : { facts: text(facts), image_id: facts?.id ?? null }),
    ...(isPrivate === undefined ? {} : { is_private: truth(isPrivate) }),
  };
}

/** What names a pull while it is in flight. Systems and types hold no blank (see `readImageName`). */
export function flightName({ system, itype, tag }: ImageName): string {
  return `${system} ${itype} ${tag}`;
}

/** What names an image while it is READY. */
export function readyName({ system, itype }: Pick<ImageRecord, 'system' | 'itype'>, id: string): string {
  return `${system} ${itype} ${id}`;
}

function truth(value: boolean | null): number | null {
  return value === null ? null : Number(value);
}

function text(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

function parse(json: string | null): unknown {
  return json === null ? null : JSON.parse(json);
}
