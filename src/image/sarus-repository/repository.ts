// SPDX-License-Identifier: Apache-2.0
import { dirname, join } from 'node:path';
import {
  ensureDirectory,
  linkOver,
  readFileIfPresent,
  removeIfPresent,
  statIfPresent,
  writeFileAtomic,
} from '../../sys/files.ts';
import { withLock } from '../../sys/lock-file.ts';
import { parseSarusMetadata, type SarusImage, type SarusImageMeta } from './metadata.ts';
import { type SarusReference, sarusKey } from './reference.ts';

export type SarusRepository = {
  readonly directory: string;
  readonly metadataPath: string;
  readonly imagesDirectory: string;
  /** The images' content, each once whatever its names; shared with nothing of Sarus. */
  readonly storePath: string;
};

export function sarusRepository(directory: string): SarusRepository {
  return {
    directory,
    metadataPath: join(directory, 'metadata.json'),
    imagesDirectory: join(directory, 'images'),
    storePath: join(directory, 'slipway'),
  };
}

const maxMetadataBytes = 64 << 20;

/** The images of a repository whose files are there, sorted by name. @throws SlipwayError `sarus-repository` */
export async function listSarusImages(repository: SarusRepository): Promise<readonly SarusImage[]> {
  const images = await readAll(repository);
  const isThere = await Promise.all(
    images.map(async ({ imagePath, metadataPath }) => {
      const found = await Promise.all([imagePath, metadataPath].map(statIfPresent));
      return found.every((status) => status !== undefined);
    }),
  );
  return images
    .filter((_, index) => isThere[index])
    .toSorted((a, b) => (a.uniqueKey < b.uniqueKey ? -1 : a.uniqueKey > b.uniqueKey ? 1 : 0));
}

/** Gives an image a name in the repository: the squashfs is linked from the store, and the list replaced. */
export async function publishSarusImage(
  repository: SarusRepository,
  given: {
    readonly reference: SarusReference;
    readonly squashfsPath: string;
    readonly meta: SarusImageMeta;
    readonly registryDigest: string;
    readonly id: string;
    readonly datasize: string;
    readonly created: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { reference, squashfsPath, meta, registryDigest, id, datasize, created } = given;
  const key = sarusKey(reference);
  const image: SarusImage = {
    uniqueKey: key,
    ...reference,
    registryDigest,
    id,
    imagePath: join(repository.imagesDirectory, `${key}.squashfs`),
    metadataPath: join(repository.imagesDirectory, `${key}.meta`),
    datasize,
    created,
  };
  await ensureDirectory(dirname(image.imagePath), { mode: 0o755 });
  await changing(repository, given.signal, async (images) => {
    await writeFileAtomic(image.metadataPath, `${JSON.stringify(meta)}\n`, { mode: 0o644 });
    await linkOver(squashfsPath, image.imagePath);
    return [...images.filter(({ uniqueKey }) => uniqueKey !== key), image];
  });
}

/** Takes a name away, with its files; the image that it was of, or undefined where there is no such name. */
export async function removeSarusImage(
  repository: SarusRepository,
  reference: SarusReference,
  signal: AbortSignal,
): Promise<SarusImage | undefined> {
  const key = sarusKey(reference);
  if (!(await readAll(repository)).some(({ uniqueKey }) => uniqueKey === key)) return undefined;
  let removed: SarusImage | undefined;
  await changing(repository, signal, async (images) => {
    removed = images.find(({ uniqueKey }) => uniqueKey === key);
    if (removed !== undefined) {
      await removeIfPresent(removed.imagePath);
      await removeIfPresent(removed.metadataPath);
    }
    return images.filter(({ uniqueKey }) => uniqueKey !== key);
  });
  return removed;
}

async function readAll({ metadataPath }: SarusRepository): Promise<readonly SarusImage[]> {
  const bytes = await readFileIfPresent(metadataPath, { maxBytes: maxMetadataBytes });
  return bytes === undefined ? [] : parseSarusMetadata(bytes.toString('utf8'), metadataPath);
}

async function changing(
  repository: SarusRepository,
  signal: AbortSignal,
  change: (images: readonly SarusImage[]) => Promise<readonly SarusImage[]>,
): Promise<void> {
  await ensureDirectory(repository.directory, { mode: 0o755 });
  const lock = join(repository.directory, 'metadata.lock');
  await withLock(lock, { what: 'the list of images', signal }, async () => {
    const images = await change(await readAll(repository));
    await writeFileAtomic(repository.metadataPath, `${JSON.stringify({ images }, undefined, 4)}\n`, { mode: 0o644 });
  });
}
