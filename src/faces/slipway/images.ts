// SPDX-License-Identifier: Apache-2.0
import type { StoredImage } from '../../image/index.ts';
// The store's own door: see store.ts.
// oxlint-disable-next-line no-restricted-imports
import { isDenial, openStore } from '../../image/store/index.ts';
import { formatImageReference, type Platform, type SlipwayError, shortImageReference } from '../../model/index.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';
import { errorText } from '../terminal/error-text.ts';
import { shortDigest } from '../terminal/pull-progress.ts';
import { type Column, writeTable } from '../terminal/table.ts';
import { formatRelativeTime, formatSize } from '../terminal/units.ts';
import type { CommandContext } from './context.ts';
import { images } from './descriptions/images.ts';
import { formatPlatform } from './platform.ts';
import { filterImages, FilterFault } from './image-filters.ts';
import { joinImages, type Listed, pulledOf } from './listed-image.ts';
import { readCommandLine, usageError } from './read-command-line.ts';
import { storesOf } from './store.ts';
import { showUsage } from './store-usage.ts';

export async function run(argv: readonly string[], { environment }: CommandContext): Promise<number> {
  const line = readCommandLine(images, argv);
  const { stdout, stderr, clock } = environment;
  const [own, ...site] = storesOf(environment);
  const stores = line.has('site') ? site : [own];
  if (line.has('usage')) return await showUsage(stores, line.has('json'), environment);

  const listed = (await Promise.all(stores.map((store) => listStore(store, environment)))).flat();
  const chosen = readFilters(listed, line.values('filter'), clock.now());
  if (line.has('json')) {
    stdout.write(`${JSON.stringify(chosen.map(jsonOf), undefined, 2)}\n`);
  } else if (line.has('quiet')) {
    for (const { tag, digest } of chosen) {
      stdout.write(`${tag === undefined ? digest : shortImageReference(tag.reference)}\n`);
    }
  } else if (chosen.length === 0 && stdout.isTerminal) {
    stderr.write(`no ${listed.length === 0 ? '' : 'such '}images in ${stores.join(', ') || 'stores of the site'}\n`);
  } else {
    writeTable(stdout, columnsFor(line.has('digests'), clock.now()), chosen);
  }
  return 0;
}

async function listStore(path: string, { stderr }: FaceEnvironment): Promise<readonly Listed[]> {
  const store = await openStore(path);
  const onDamage = (error: SlipwayError): void => {
    // Images for others are none of ours.
    if (!isDenial(error)) stderr.write(errorText('slipway: warning', error, false));
  };
  return joinImages(...(await Promise.all([store.listTags(onDamage), store.listImages(onDamage)])));
}

function readFilters(listed: readonly Listed[], filters: readonly string[], now: Date): readonly Listed[] {
  try {
    return filterImages(listed, filters, now);
  } catch (error) {
    if (error instanceof FilterFault) throw usageError(images, `--filter: ${error.message}`);
    throw error;
  }
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
