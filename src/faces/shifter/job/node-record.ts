// SPDX-License-Identifier: Apache-2.0
// What root did for a job on this node, kept where only root writes: the epilog undoes exactly that, and a step learns
// why there is no container.
import { parseJson } from '../../../model/index.ts';
import {
  ensureDirectory,
  listDirectoryIfPresent,
  readFileIfPresent,
  removeIfPresent,
  writeFileAtomic,
} from '../../../sys/files.ts';
import type { Inputs } from '../../../sys/inputs.ts';

export type NodeRecord = {
  readonly job: string;
  readonly udiMount: string;
  /** `begun`: setupRoot was started, and may have been killed. */
  readonly state: 'begun' | 'prepared' | 'failed';
  /** Why it failed. */
  readonly reason?: string;
};

const defaultDirectory = '/run/slipway';
const maxBytes = 64 << 10;

/** The records of a node. */
export type NodeRecords = {
  readonly read: (job: string) => Promise<NodeRecord | undefined>;
  readonly write: (record: NodeRecord) => Promise<void>;
  readonly remove: (job: string) => Promise<void>;
  readonly list: () => Promise<readonly NodeRecord[]>;
};

export function nodeRecords(directory: string = defaultDirectory): NodeRecords {
  const pathOf = (job: string): string => recordPath(directory, job);
  const read = async (job: string): Promise<NodeRecord | undefined> => {
    const bytes = await readFileIfPresent(pathOf(job), { maxBytes });
    return bytes === undefined ? undefined : parseNodeRecord(bytes.toString('utf8'), job);
  };
  return {
    read,
    write: async (record) => {
      await ensureDirectory(directory, { mode: 0o755 });
      await writeFileAtomic(pathOf(record.job), `${JSON.stringify(record)}\n`, { mode: 0o644 });
    },
    remove: async (job) => {
      await removeIfPresent(pathOf(job));
    },
    list: async () => {
      const names = (await listDirectoryIfPresent(directory)) ?? [];
      const found = await Promise.all(names.map((name) => read(/^job-(\d+)\.json$/.exec(name)?.[1] ?? '')));
      return found.filter((record) => record !== undefined);
    },
  };
}

function recordPath(directory: string, job: string): string {
  return `${directory}/job-${job}.json`;
}

/** The record as anyone may read it; undefined where there is none. */
export function readNodeRecord(job: string, inputs: Inputs): NodeRecord | undefined {
  const text = /^\d+$/.test(job) ? inputs.readText(recordPath(defaultDirectory, job)) : undefined;
  return text === undefined ? undefined : parseNodeRecord(text, job);
}

/** Undefined for what no prolog wrote: a node that lost power may have half a file system. */
export function parseNodeRecord(text: string, job: string): NodeRecord | undefined {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null) return undefined;
  const { udiMount, state, reason } = value as Readonly<Record<string, unknown>>;
  const known = (['begun', 'prepared', 'failed'] as const).find((one) => one === state);
  if (typeof udiMount !== 'string' || known === undefined) return undefined;
  return { job, udiMount, state: known, ...(typeof reason === 'string' ? { reason } : {}) };
}
