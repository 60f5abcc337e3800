// SPDX-License-Identifier: Apache-2.0
// Which of the store's images somebody may have meant.
import { formatImageReference, type ImageReference, shortImageReference } from '../../model/index.ts';

/** Up to three names near to `wanted`, the nearest first: another tag, another registry or path, a slip of the pen. */
export function nearNames(wanted: ImageReference, present: readonly ImageReference[]): readonly string[] {
  const wantedName = shortImageReference(wanted);
  const limit = Math.max(2, Math.floor(wantedName.length / 4));
  return present
    .map((reference) => ({ reference, rank: rankOf(wanted, wantedName, reference, limit) }))
    .filter(({ rank }) => rank <= limit)
    .sort((a, b) => a.rank - b.rank || compare(formatImageReference(a.reference), formatImageReference(b.reference)))
    .slice(0, 3)
    .map(({ reference }) => shortImageReference(reference));
}

function rankOf(wanted: ImageReference, wantedName: string, other: ImageReference, limit: number): number {
  if (other.repository === wanted.repository) return 0;
  if (lastComponent(other.repository) === lastComponent(wanted.repository)) return 1;
  return editDistance(wantedName, shortImageReference(other), limit);
}

function lastComponent(repository: string): string {
  return repository.slice(repository.lastIndexOf('/') + 1);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Levenshtein's distance, or more than `limit` as soon as that is certain. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    if (Math.min(...current) > limit) return limit + 1;
    previous = current;
  }
  return previous[b.length] ?? limit + 1;
}
