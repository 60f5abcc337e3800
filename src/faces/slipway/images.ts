// SPDX-License-Identifier: Apache-2.0
import type { StoredImage, StoredTag } from '../../image/index.ts';
import {
  type Digest,
  formatImageReference,
  type Platform,
  type SlipwayError,
  shortImageReference,
} from '../../model/index.ts';
import { errorText } from '../terminal/error-text.ts';
import { shortDigest } from '../terminal/pull-progress.ts';
import { type Column, writeTable } from '../terminal/table.ts';
import { formatRelativeTime, formatSize } from '../terminal/units.ts';
import type { CommandContext } from './context.ts';
import { images } from './descriptions/images.ts';
import { formatPlatform } from './platform.ts';
import { readCommandLine } from './read-command-line.ts';
import { openUserStore } from './store.ts';

/** One line: a name and its image, or an image without a name. */
type Listed = {
  readonly digest: Digest;
  readonly tag?: StoredTag;
  readonly image: StoredImage;
};

export async function run(argv: readonly string[], { environment }: CommandContext): Promise<number> {
  const line = readCommandLine(images, argv);
  const { stdout, stderr, clock } = environment;
  const store = await openUserStore(environment);
  const onDamage = (error: SlipwayError): void => stderr.write(errorText('slipway: warning', error, false));
  const [tags, stored] = await Promise.all([store.listTags(onDamage), store.listImages(onDamage)]);
  const listed = join(tags, stored);

  if (line.has('json')) {
    stdout.write(`${JSON.stringify(listed.map(jsonOf), undefined, 2)}\n`);
  } else if (line.has('quiet')) {
    for (const { tag, digest } of listed) {
      stdout.write(`${tag === undefined ? digest : shortImageReference(tag.reference)}\n`);
    }
  } else if (listed.length === 0 && stdout.isTerminal) {
    stderr.write(`no images in ${store.path}\n`);
  } else {
    writeTable(stdout, columnsFor(line.has('digests'), clock.now()), listed);
  }
  return 0;
}

function join(tags: readonly StoredTag[], stored: readonly StoredImage[]): readonly Listed[] {
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

function columnsFor(hasWholeDigests: boolean, now: Date): readonly Column<Listed>[] {
  return [
    {
      title: 'NAME',
      text: ({ tag }) => (tag === undefined ? '-' : shortImageReference(tag.reference)),
      value: ({ tag }) => (tag === undefined ? '' : formatImageReference(tag.reference)),
    },
    {
      title: 'DIGEST',
      text: ({ digest }) => (hasWholeDigests ? digest : shortDigest(digest)),
      value: ({ digest }) => digest,
    },
    { title: 'PLATFORM', text: ({ image }) => formatPlatform(platformOf(image)) },
    {
      title: 'SIZE',
      isRight: true,
      text: ({ image }) => formatSize(image.sizeBytes),
      value: ({ image }) => String(image.sizeBytes),
    },
    { title: 'PULLED', text: (each) => formatRelativeTime(new Date(pulledOf(each)), now), value: pulledOf },
  ];
}

function jsonOf({ digest, tag, image }: Listed): Readonly<Record<string, unknown>> {
  return {
    name: tag === undefined ? null : formatImageReference(tag.reference),
    digest,
    platform: formatPlatform(platformOf(image)),
    sizeBytes: image.sizeBytes,
    entries: image.entries,
    created: image.config.created ?? null,
    pulled: tag?.pulled ?? null,
    converted: image.converted,
  };
}

function platformOf(image: StoredImage): Platform {
  return image.config.platform;
}

function pulledOf({ tag, image }: Listed): string {
  return tag?.pulled ?? image.converted;
}

function nameOf({ tag, digest }: Listed): string {
  return tag === undefined ? digest : shortImageReference(tag.reference);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
