// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import type { ImageRecord, NewPull } from './types.ts';

/** The record of a pull that has just been asked for, whatever database keeps it. */
export function pendingRecord(pull: NewPull): ImageRecord {
  return {
    ...pull,
    key: randomUUID(),
    tags: [],
    status: 'PENDING',
    statusMessage: null,
    isPrivate: null,
    facts: null,
    lastPull: pull.now,
    lastHeartbeat: null,
    expiration: null,
    progress: null,
    attempts: 0,
  };
}
