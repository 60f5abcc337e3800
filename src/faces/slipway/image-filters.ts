// SPDX-License-Identifier: Apache-2.0
// `--filter` of `slipway images`: what each key means, and which images meet all of them.
import { formatImageReference, shortImageReference } from '../../model/index.ts';
import { parseAge } from './ages.ts';
import { type Listed, pulledOf } from './listed-image.ts';
import { formatPlatform } from './platform.ts';
import { parseSize } from './sizes.ts';

type Filter = (listed: Listed) => boolean;

/** What is wrong with a filter, for whoever typed it. */
export class FilterFault extends Error {}

/** The keys, for help texts. */
export const filterHelp: readonly (readonly [key: string, help: string])[] = [
  ['reference=GLOB', '* in the name stands for anything but /, ** for anything'],
  ['before=WHEN, since=WHEN', 'pulled before or since an image of the list, a time (2026-11-21) or an age (30d)'],
  ['larger=SIZE, smaller=SIZE', 'of the image in the store'],
  ['arch=NAME', 'the platform, as amd64, linux/arm64 or linux/arm/v7'],
  ['label=KEY[=VALUE]', 'of the image'],
  ['dangling=true|false', 'without or with a name'],
  ['signed=true|false', 'whether a signature was verified when it was pulled'],
];

/** Those images of `all` that meet every filter. @throws FilterFault */
export function filterImages(all: readonly Listed[], filters: readonly string[], now: Date): readonly Listed[] {
  const checks = filters.map((text) => readFilter(text, all, now));
  return all.filter((listed) => checks.every((check) => check(listed)));
}

function readFilter(text: string, all: readonly Listed[], now: Date): Filter {
  const equals = text.indexOf('=');
  const [key, value] = [text.slice(0, Math.max(equals, 0)), text.slice(equals + 1)];
  if (equals < 1 || value === '') throw new FilterFault(`"${text}" is not KEY=VALUE`);
  switch (key) {
    case 'reference': {
      const pattern = globPattern(value);
      return ({ tag }) => tag !== undefined && namesOf(tag.reference).some((name) => pattern.test(name));
    }
    case 'before':
    case 'since': {
      const timeMs = readTime(value, all, now);
      return (listed) => {
        const pulledMs = Date.parse(pulledOf(listed));
        return key === 'before' ? pulledMs < timeMs : pulledMs > timeMs;
      };
    }
    case 'larger':
    case 'smaller': {
      const bytes = parseSize(value);
      if (bytes === undefined) throw new FilterFault(`"${value}" is no size, e.g. 100M`);
      return ({ image }) => (key === 'larger' ? image.sizeBytes > bytes : image.sizeBytes < bytes);
    }
    case 'arch':
      return ({ image: { config } }) =>
        [config.platform.architecture, formatPlatform(config.platform)].includes(value) ||
        formatPlatform(config.platform).startsWith(`${value}/`);
    case 'label': {
      const end = value.indexOf('=');
      const [name, wanted] = end < 0 ? [value, undefined] : [value.slice(0, end), value.slice(end + 1)];
      return ({ image }) => {
        const found = Object.entries(image.config.labels).find(([label]) => label === name)?.[1];
        return found !== undefined && (wanted === undefined || found === wanted);
      };
    }
    case 'dangling': {
      const isDangling = readFlag(value);
      return ({ tag }) => (tag === undefined) === isDangling;
    }
    case 'signed': {
      const isSigned = readFlag(value);
      return ({ image }) => (image.verification?.signatures ?? []).length > 0 === isSigned;
    }
    default:
      throw new FilterFault(`there is no filter ${key}`);
  }
}

/** Full and short, with and without the tag. */
function namesOf(reference: Parameters<typeof formatImageReference>[0]): readonly string[] {
  return [formatImageReference(reference), shortImageReference(reference)].flatMap((name) => [
    name,
    name.replace(/:[^/]*$/, ''),
  ]);
}

function globPattern(glob: string): RegExp {
  const source = glob.replaceAll(/\*\*|\*|\?|[\\^$.|+()[\]{}]/g, (part) =>
    part === '**' ? '.*' : part === '*' ? '[^/]*' : part === '?' ? '[^/]' : `\\${part}`,
  );
  return new RegExp(`^${source}$`);
}

function readTime(value: string, all: readonly Listed[], now: Date): number {
  const ageMs = parseAge(value);
  if (ageMs !== undefined) return now.getTime() - ageMs;
  if (/^\d{4}-\d{2}-\d{2}(?:T[0-9:.]+(?:Z|[+-]\d{2}:\d{2})?)?$/.test(value)) {
    const timeMs = Date.parse(value);
    if (!Number.isNaN(timeMs)) return timeMs;
  }
  const named = all.find(
    ({ tag, digest }) => digest === value || (tag !== undefined && namesOf(tag.reference).includes(value)),
  );
  if (named === undefined) throw new FilterFault(`"${value}" is no image of the list, no time and no age, e.g. 30d`);
  return Date.parse(pulledOf(named));
}

function readFlag(value: string): boolean {
  if (value !== 'true' && value !== 'false') throw new FilterFault(`"${value}" is neither true nor false`);
  return value === 'true';
}
