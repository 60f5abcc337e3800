// SPDX-License-Identifier: Apache-2.0
// From what a person types to an image in the store. All reading is done by a given reader, synchronously, so that a
// launch can record what its plan depends on; the usual case, a full name, reads three files and lists nothing.
// In this order:
//   1. the full reference (docker.io and latest understood) as it was pulled;
//   2. a digest: name@digest, of the image or of the index that led to it; `sha256:…`; 12 or more digits that begin one;
//   3. without a registry: the one image of this repository and tag from any registry.
import {
  type Digest,
  digestHex,
  formatImageReference,
  type ImageReference,
  parseDigest,
  parseImageReference,
  shortImageReference,
  SlipwayError,
} from '../../model/index.ts';
import type { StoredImage, StoredTag } from '../types.ts';
import {
  digestOfFileName,
  imageRecordPath,
  imagesDirectory,
  referenceOfTagFileName,
  squashfsPath,
  storeVersion,
  tagRecordPath,
  tagsDirectory,
  versionPath,
} from './layout.ts';
import { nearNames } from './near-names.ts';
import { parseStoredImage, parseStoredTag } from './records.ts';

export type StoreReader = {
  /** A file's text, or undefined where there is none. */
  readonly readText: (path: string) => string | undefined;
  /** A directory's names in any order, or undefined where there is none. */
  readonly listDirectory: (path: string) => readonly string[] | undefined;
};

export type FoundImage = {
  /** The name by which it was found; undefined when that was a digest. */
  readonly tag?: StoredTag;
  readonly image: StoredImage;
  readonly squashfsPath: string;
};

/**
 * The image that `text` names.
 * @throws SlipwayError `image-not-found` (its hint names images that may have been meant), `image-ambiguous`,
 *   `reference-malformed`, `store-version-unknown`, `store-damaged`; whatever the reader throws.
 */
export function resolveStored(text: string, store: string, reader: StoreReader): FoundImage {
  const reference = parseImageReference(text);
  checkStoreVersion(store, reader.readText(versionPath(store)));
  const found =
    findTagged(reference, store, reader) ??
    findByDigest(text, reference, store, reader) ??
    findFromAnyRegistry(text, reference, store, reader);
  if (found !== undefined) return found;

  const near = nearNames(reference, listReferences(store, reader));
  const pull = `pull it: slipway pull ${shortImageReference(reference)}`;
  const hint = near.length === 0 ? pull : `${pull}; or did you mean ${near.join(', ')}?`;
  throw new SlipwayError('image-not-found', { reference: text, store }, { hint });
}

/**
 * Takes the text of the version file, undefined where there is none: such a store is empty as yet.
 * @throws SlipwayError `store-version-unknown`.
 */
export function checkStoreVersion(store: string, text: string | undefined): void {
  if (text === undefined || text.trim() === storeVersion) return;
  throw new SlipwayError('store-version-unknown', { store, version: JSON.stringify(text.trim().slice(0, 40)) });
}

function findTagged(reference: ImageReference, store: string, reader: StoreReader): FoundImage | undefined {
  const path = tagRecordPath(store, reference);
  const text = reader.readText(path);
  if (text === undefined) return undefined;
  const tag = parseStoredTag(text, path);
  const found = readImage(tag.digest, store, reader);
  return found === undefined ? undefined : { tag, ...found };
}

function findByDigest(
  text: string,
  reference: ImageReference,
  store: string,
  reader: StoreReader,
): FoundImage | undefined {
  const digest = reference.digest ?? parseDigest(text);
  if (digest !== undefined) {
    return (
      readImage(digest, store, reader) ??
      listDigests(store, reader)
        .map((each) => readImage(each, store, reader))
        .find((found) => found?.image.indexDigest === digest)
    );
  }
  const prefix = /^(?:(?<algorithm>sha256|sha512):)?(?<hex>[0-9a-f]{12,128})$/.exec(text)?.groups;
  if (prefix === undefined) return undefined;
  const matches = listDigests(store, reader).filter(
    (each) => digestHex(each).startsWith(prefix['hex'] ?? '') && each.startsWith(prefix['algorithm'] ?? ''),
  );
  const [first] = matches;
  if (first === undefined) return undefined;
  if (matches.length > 1) throw ambiguous(text, matches);
  return readImage(first, store, reader);
}

function findFromAnyRegistry(
  text: string,
  reference: ImageReference,
  store: string,
  reader: StoreReader,
): FoundImage | undefined {
  if (reference.digest !== undefined || namesRegistry(text, reference)) return undefined;
  // docker.io's library/ is understood for a plain name there, and nowhere else.
  const plain = reference.repository.replace(/^library\//, '');
  const matches = listReferences(store, reader).filter(
    (each) =>
      each.digest === undefined &&
      each.tag === reference.tag &&
      (each.repository === reference.repository || each.repository === plain),
  );
  const found = matches.map((each) => findTagged(each, store, reader)).filter((each) => each !== undefined);
  // Several names of one image leave no doubt.
  if (new Set(found.map(({ image }) => image.digest)).size > 1) {
    throw ambiguous(text, matches.map(formatImageReference));
  }
  return found[0];
}

/** Whether the text itself begins with a registry, rather than having docker.io understood. */
function namesRegistry(text: string, { repository, tag }: ImageReference): boolean {
  const name = text.replace(/^docker:\/\//, '');
  const withoutRegistry = [repository, `${repository}:${tag}`];
  return !withoutRegistry.includes(name) && !withoutRegistry.includes(`library/${name}`);
}

function readImage(digest: Digest, store: string, reader: StoreReader): FoundImage | undefined {
  const path = imageRecordPath(store, digest);
  const text = reader.readText(path);
  if (text === undefined) return undefined;
  return { image: parseStoredImage(text, { path, digest }), squashfsPath: squashfsPath(store, digest) };
}

function listDigests(store: string, reader: StoreReader): readonly Digest[] {
  const names = reader.listDirectory(imagesDirectory(store)) ?? [];
  return names
    .map((name) => digestOfFileName(name, '.json'))
    .filter((digest) => digest !== undefined)
    .sort();
}

function listReferences(store: string, reader: StoreReader): readonly ImageReference[] {
  const directory = tagsDirectory(store);
  const references: ImageReference[] = [];
  for (const name of reader.listDirectory(directory) ?? []) {
    const reference = referenceOfTagFileName(name);
    if (reference === undefined) continue;
    if (reference !== 'shortened') {
      references.push(reference);
      continue;
    }
    const path = `${directory}/${name}`;
    const text = reader.readText(path);
    if (text !== undefined) references.push(parseStoredTag(text, path).reference);
  }
  return references.sort((a, b) => (formatImageReference(a) < formatImageReference(b) ? -1 : 1));
}

function ambiguous(reference: string, candidates: readonly string[]): SlipwayError {
  const shown = candidates.length > 8 ? [...candidates.slice(0, 8), `${candidates.length - 8} more`] : candidates;
  return new SlipwayError('image-ambiguous', { reference, candidates: shown.join(', ') });
}
