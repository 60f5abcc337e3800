// SPDX-License-Identifier: Apache-2.0
// What an examination of the machine says: one finding a question, each lack with what to do about it.

/** ok: as it should be. warning: works, with a limit that is named. missing: something will not work. */
export type FindingState = 'ok' | 'warning' | 'missing';

export type Finding = {
  /** Stable, for scripts: `user-namespaces`. */
  readonly id: string;
  readonly state: FindingState;
  /** The question, as a heading: `user namespaces`. */
  readonly what: string;
  /** What was found, with its figures. */
  readonly detail: string;
  /** Only with `warning` and `missing`. */
  readonly remedy?: Remedy;
};

/** One sentence each: what the person can do, and what an administrator can. */
export type Remedy = { readonly user: string; readonly administrator: string };

/** The worst state among findings; `ok` when there are none. */
export function worstState(findings: readonly Finding[]): FindingState {
  const has = (state: FindingState): boolean => findings.some((finding) => finding.state === state);
  return has('missing') ? 'missing' : has('warning') ? 'warning' : 'ok';
}
