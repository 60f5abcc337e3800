// SPDX-License-Identifier: Apache-2.0
import type { StoredImage, StoredTag } from '../../image/index.ts';
import { type Digest, shortImageReference } from '../../model/index.ts';

/** A line of a list: a name and its image, or an image without a name. */
export type Listed = {
  readonly digest: Digest;
  readonly tag?: StoredTag;
  readonly image: StoredImage;
};

/** Names in their order, then what has none. */
export function joinImages(tags: readonly StoredTag[], stored: readonly StoredImage[]): readonly Listed[] {
  const byDigest = new Map(stored.map((image) => [image.digest, image]));
  const named = tags.flatMap((tag): Listed[] => {
    const image = byDigest.get(tag.digest);
    return image === undefined ? [] : [{ digest: tag.digest, tag, image }];
  });
  const withName = new Set(named.map(({ digest }) => digest));
  const unnamed = stored
    .filter(({ digest }) => !withName.has(digest))
    .map((image) => ({ digest: image.digest, image }));
  return [
    ...named.sort((a, b) => compare(nameOf(a), nameOf(b))),
    ...unnamed.sort((a, b) => compare(a.digest, b.digest)),
  ];
}

/** RFC 3339. */
export function pulledOf({ tag, image }: Listed): string {
  return tag?.pulled ?? image.converted;
}

function nameOf({ tag, digest }: Listed): string {
  return tag === undefined ? digest : shortImageReference(tag.reference);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
