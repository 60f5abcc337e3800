// SPDX-License-Identifier: Apache-2.0
// What a request for a pull does. It is the polling call too: a client repeats it until it sees READY, so an image that
// has just been pulled must not be pulled again.
import type { ImageRecord } from '../records/types.ts';

export type PullRequest = { readonly userAcl: readonly number[]; readonly groupAcl: readonly number[] };

/** A READY image this young is not pulled again whatever is asked. */
const recentSec = 10;
/** A time so far ahead was written by a clock that was wrong. */
const skewSec = 60;

/**
 * @param ready the READY record that has the tag, @param attempt the last attempt that is not READY
 * @returns the record that answers the request, and whether a new pull is to be started instead
 */
export function decidePull(
  ready: ImageRecord | undefined,
  attempt: ImageRecord | undefined,
  situation: { readonly request: PullRequest; readonly now: number; readonly timeoutSec: number },
): { readonly record: ImageRecord | undefined; readonly isNew: boolean } {
  const { now, timeoutSec, request } = situation;
  const isPast = (record: ImageRecord, seconds: number): boolean =>
    record.lastPull === null || now > record.lastPull + seconds || record.lastPull > now + skewSec;
  // What is in flight is carried on by its lease, whatever its age. An expired record never hides a newer image.
  if (attempt !== undefined && attempt.job !== null) return { record: attempt, isNew: false };
  if (attempt?.status === 'FAILURE' && !isPast(attempt, timeoutSec)) return { record: attempt, isNew: false };
  if (ready === undefined) return { record: undefined, isNew: true };
  if (isPast(ready, timeoutSec)) return { record: ready, isNew: true };
  const isChanged = differ(request.userAcl, ready.userAcl) || differ(request.groupAcl, ready.groupAcl);
  return { record: ready, isNew: isChanged && isPast(ready, recentSec) };
}

function differ(wanted: readonly number[], held: readonly number[] | null): boolean {
  const set = new Set(held ?? []);
  return new Set(wanted).size !== set.size || wanted.some((id) => !set.has(id));
}
