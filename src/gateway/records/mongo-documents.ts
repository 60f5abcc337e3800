// SPDX-License-Identifier: Apache-2.0
// Between a document of Shifter's collection `images` and an ImageRecord. Shifter's fields keep their names and forms, so
// that a site's records are there from the first start; what Shifter lacks stands beside them.
import { parsePythonList } from '../../formats/shifter/index.ts';
import type { ImageFacts, ImageRecord, ImageStatus, Job, Progress, RecordChanges } from './types.ts';

export type MongoDocument = { readonly _id: unknown } & Readonly<Record<string, unknown>>;

export function recordOfDocument(document: MongoDocument): ImageRecord {
  const text = (name: string): string | null => {
    const value = document[name];
    return typeof value === 'string' ? value : null;
  };
  const number = (name: string): number | null => {
    const value = document[name];
    return typeof value === 'number' ? value : null;
  };
  const status = text('status') ?? 'FAILURE';
  const isPrivate = document['private'];
  return {
    key: String(document._id),
    system: text('system') ?? '',
    itype: text('itype') ?? 'docker',
    pullTag: text('pulltag') ?? texts(document['tag'])[0] ?? '',
    tags: texts(document['tag']),
    status: status === 'SUCCESS' ? 'READY' : (status as ImageStatus),
    statusMessage: text('status_message'),
    format: text('format') ?? 'squashfs',
    userAcl: ids(document['userACL']),
    groupAcl: ids(document['groupACL']),
    isPrivate: typeof isPrivate === 'boolean' ? isPrivate : null,
    facts: factsOf(document),
    lastPull: number('last_pull'),
    lastHeartbeat: number('last_heartbeat'),
    expiration: number('expiration'),
    progress: (document['progress'] as Progress | null | undefined) ?? null,
    requesterUid: number('requester_uid') ?? 0,
    requester: text('requester') ?? '',
    filePath: text('filepath'),
    job: text('job') as Job | null,
    attempts: number('attempts') ?? 0,
  };
}

export function fieldsOfRecord(record: ImageRecord): Readonly<Record<string, unknown>> {
  return {
    system: record.system,
    itype: record.itype,
    pulltag: record.pullTag,
    tag: record.tags,
    ...fieldsOfChanges(record),
    format: record.format,
    arch: 'amd64',
    os: 'linux',
    location: '',
    remotetype: 'dockerv2',
    ostcount: '0',
    replication: '1',
    userACL: record.userAcl,
    groupACL: record.groupAcl,
    last_pull: record.lastPull,
    expiration: record.expiration,
    requester_uid: record.requesterUid,
    requester: record.requester,
    filepath: record.filePath,
    job: record.job,
    attempts: record.attempts,
    queued: record.lastPull ?? 0,
  };
}

export function fieldsOfChanges(changes: RecordChanges): Readonly<Record<string, unknown>> {
  const { status, statusMessage, progress, lastHeartbeat, facts, isPrivate } = changes;
  return {
    ...(status === undefined ? {} : { status }),
    ...(statusMessage === undefined ? {} : { status_message: statusMessage }),
    ...(progress === undefined ? {} : { progress }),
    ...(lastHeartbeat === undefined ? {} : { last_heartbeat: lastHeartbeat }),
    ...(facts === undefined || facts === null ? {} : fieldsOfFacts(facts)),
    ...(isPrivate === undefined ? {} : { private: isPrivate }),
  };
}

export function fieldsOfFacts(facts: ImageFacts): Readonly<Record<string, unknown>> {
  return {
    id: facts.id,
    ENV: facts.env,
    ENTRY: facts.entry,
    CMD: facts.cmd,
    WORKDIR: facts.workdir,
    // Names of labels have dots, which a field's name may not have everywhere.
    LABELS: JSON.stringify(facts.labels),
    size: facts.sizeBytes ?? null,
  };
}

function factsOf(document: MongoDocument): ImageFacts | null {
  const { id, ENV, ENTRY, CMD, WORKDIR, LABELS, size } = document as Readonly<Record<string, unknown>>;
  if (typeof id !== 'string') return null;
  return {
    id,
    env: texts(ENV),
    entry: typeof ENTRY === 'string' ? (parsePythonList(ENTRY) ?? [ENTRY]) : texts(ENTRY),
    cmd: texts(CMD),
    workdir: typeof WORKDIR === 'string' ? WORKDIR : null,
    labels: labelsOf(LABELS),
    ...(typeof size === 'number' ? { sizeBytes: size } : {}),
  };
}

function labelsOf(value: unknown): Readonly<Record<string, string>> {
  const labels = typeof value === 'string' ? (JSON.parse(value) as unknown) : value;
  if (typeof labels !== 'object' || labels === null) return {};
  return Object.fromEntries(
    Object.entries(labels).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

function ids(value: unknown): readonly number[] | null {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'number') : null;
}
