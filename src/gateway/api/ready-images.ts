// SPDX-License-Identifier: Apache-2.0
// READY images as they are answered, kept in memory, one copy for each system. The records are asked whether anything has
// changed at most every few milliseconds, and give what has: thousands of lookups a second cost hardly a query, and a
// new image costs its own row, not the ten thousand others. What is not found is not believed until the records
// have been asked, so an image is seen as soon as it is READY.
import { isRestricted } from '../auth/access.ts';
import type { GatewayContext } from '../context.ts';
import type { ImageName, ImageRecord, ReadyChanges } from '../records/types.ts';
import { imageBody } from './image-body.ts';

export type ReadyImage = { readonly record: ImageRecord; readonly body: Buffer };

/** The answer to `list`, for whomever it is. */
export type ReadyList = {
  /** `{"list":[` and what everyone may see, joined by commas. */
  readonly open: Buffer;
  /** What only some may see. */
  readonly restricted: readonly ReadyImage[];
  /** The whole answer where there is nothing of that kind, as is usual. */
  readonly whole: Buffer | undefined;
};

export type ReadyImages = {
  readonly find: (name: ImageName) => Promise<ReadyImage | undefined>;
  readonly list: (system: string) => Promise<ReadyList>;
  /** Something has changed that whoever asks next knows of: the records are asked then. */
  readonly changed: (system: string) => void;
};

const checkedMs = 25;
/** Bodies that are made in one go: some milliseconds. */
const sliceImages = 500;

type Kept = {
  generation: string | undefined;
  checkedAtMs: number;
  images: Map<string, ReadyImage>;
  byTag: Map<string, ReadyImage>;
  list: ReadyList | undefined;
  /** Something has changed since the last check began. */
  isStale: boolean;
  /** A check under way, and the one after it, which has not asked yet. */
  checking: Promise<void> | undefined;
  next: Promise<void> | undefined;
};

export function createReadyImages({ records, clock, tellsLabels }: GatewayContext): ReadyImages {
  const systems = new Map<string, Kept>();
  const keptOf = (system: string): Kept => {
    const held = systems.get(system);
    if (held !== undefined) return held;
    const made = {
      generation: undefined,
      checkedAtMs: Number.NEGATIVE_INFINITY,
      isStale: false,
      images: new Map(),
      byTag: new Map(),
      list: undefined,
      checking: undefined,
      next: undefined,
    };
    systems.set(system, made);
    return made;
  };

  const check = async (system: string, kept: Kept): Promise<void> => {
    const askedAtMs = clock.monotonicMs();
    kept.isStale = false;
    if (kept.generation === undefined || (await records.generation(system)) !== kept.generation) {
      await apply(kept, await records.readyChanges(system, kept.generation), tellsLabels);
    }
    kept.checkedAtMs = askedAtMs;
  };
  /** A check that asks the records after it was called for; one for all who call for it meanwhile. */
  const checkAnew = (system: string, kept: Kept): Promise<void> => {
    if (kept.checking === undefined) {
      kept.checking = check(system, kept).finally(() => {
        kept.checking = undefined;
      });
      return kept.checking;
    }
    kept.next ??= kept.checking
      .catch(() => undefined)
      .then(() => {
        kept.next = undefined;
        return checkAnew(system, kept);
      });
    return kept.next;
  };
  const current = async (system: string): Promise<Kept> => {
    const kept = keptOf(system);
    if (kept.isStale) await checkAnew(system, kept);
    else if (clock.monotonicMs() - kept.checkedAtMs >= checkedMs) await (kept.checking ?? checkAnew(system, kept));
    return kept;
  };

  return {
    changed: (system) => {
      keptOf(system).isStale = true;
    },
    find: async ({ system, itype, tag }) => {
      const name = tagName(itype, tag);
      const found = (await current(system)).byTag.get(name);
      if (found !== undefined) return found;
      const kept = keptOf(system);
      await checkAnew(system, kept);
      return kept.byTag.get(name);
    },
    list: async (system) => {
      const kept = keptOf(system);
      await checkAnew(system, kept);
      kept.list ??= listOf(kept.images.values());
      return kept.list;
    },
  };
}

async function apply(kept: Kept, changes: ReadyChanges, tellsLabels: boolean): Promise<void> {
  const fresh: ReadyImage[] = [];
  for (const [index, record] of changes.ready.entries()) {
    if (index % sliceImages === sliceImages - 1) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    fresh.push({ record, body: Buffer.from(imageBody(record, { tellsLabels })) });
  }
  // From here on nobody else comes between: whoever looks sees all of it or nothing.
  if (changes.isWhole) {
    kept.images = new Map();
    kept.byTag = new Map();
  }
  const touched = [...changes.gone, ...fresh.map(({ record }) => record.key)];
  // A tag may have moved from one of these to another: all are taken away before any is given.
  for (const key of touched) {
    const { itype = '', tags = [] } = kept.images.get(key)?.record ?? {};
    for (const tag of tags) kept.byTag.delete(tagName(itype, tag));
    kept.images.delete(key);
  }
  for (const image of fresh) {
    kept.images.set(image.record.key, image);
    for (const tag of image.record.tags) kept.byTag.set(tagName(image.record.itype, tag), image);
  }
  kept.generation = changes.generation;
  kept.list = undefined;
}

function listOf(images: Iterable<ReadyImage>): ReadyList {
  const open: Buffer[] = [];
  const restricted: ReadyImage[] = [];
  for (const image of images) {
    if (isRestricted(image.record)) restricted.push(image);
    else open.push(open.length === 0 ? listStart : listComma, image.body);
  }
  if (open.length === 0) open.push(listStart);
  if (restricted.length > 0) return { open: Buffer.concat(open), restricted, whole: undefined };
  const whole = Buffer.concat([...open, listEnd]);
  return { open: whole.subarray(0, -listEnd.length), restricted, whole };
}

const listStart = Buffer.from('{"list":[');
export const listComma: Buffer = Buffer.from(',');
export const listEnd: Buffer = Buffer.from(']}');

function tagName(itype: string, tag: string): string {
  return `${itype} ${tag}`;
}
