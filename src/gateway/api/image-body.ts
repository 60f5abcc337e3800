// SPDX-License-Identifier: Apache-2.0
// An image as Shifter's client reads it: always these keys in this order, `"MISSING"` for what the record does not have,
// and `last_pull` as a number with a point, since the client reads a whole number as 0.
import type { ImageRecord } from '../records/types.ts';

const missing = '"MISSING"';

export type BodyOptions = {
  /** Whether LABELS are told (Shifter: only where ENABLE_LABELS is set). */
  readonly tellsLabels: boolean;
};

export function imageBody(record: ImageRecord, options: BodyOptions): string {
  const { facts } = record;
  const list = (values: readonly string[] | undefined): string =>
    values === undefined || values.length === 0 ? missing : JSON.stringify(values);
  return (
    `{"id":${orMissing(facts?.id)},"system":${JSON.stringify(record.system)},"itype":${JSON.stringify(record.itype)},` +
    `"tag":${JSON.stringify(record.tags)},"status":${JSON.stringify(record.status)},` +
    `"userACL":${JSON.stringify(record.userAcl)},"groupACL":${JSON.stringify(record.groupAcl)},` +
    `"ENV":${list(facts?.env)},"ENTRY":${list(facts?.entry)},"WORKDIR":${orMissing(facts?.workdir)},` +
    `"LABELS":${options.tellsLabels && facts !== null ? JSON.stringify(facts.labels) : missing},` +
    `"last_pull":${record.lastPull === null ? missing : float(record.lastPull)},` +
    `"status_message":${orMissing(record.statusMessage)}}`
  );
}

/** What the first request for a pull is answered: the record before anything was written into it. */
export function initialBody(record: ImageRecord, options: BodyOptions): string {
  // INIT is a word of the answer only; no record has this state.
  const body = imageBody(
    { ...record, facts: null, lastPull: null, statusMessage: null, userAcl: [], groupAcl: [] },
    options,
  );
  return body.replace(`"status":"${record.status}"`, '"status":"INIT"');
}

/** A JSON number that has a point or an exponent. */
export function float(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

function orMissing(value: string | null | undefined): string {
  return value === null || value === undefined ? missing : JSON.stringify(value);
}
