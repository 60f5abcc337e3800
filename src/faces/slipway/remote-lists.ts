// SPDX-License-Identifier: Apache-2.0
import type { OverviewImage, OverviewPull } from '../../gateway/index.ts';
import { type Column, writeTable } from '../terminal/table.ts';
import { formatRelativeTime, formatSize } from '../terminal/units.ts';
import type { Remote } from './remote.ts';

type ListedImage = { readonly tag: string; readonly image: OverviewImage };

export async function listImages({ line, environment, overview }: Remote): Promise<number> {
  const { stdout, clock } = environment;
  const all = (await overview()).images;
  const images = line.has('mine') ? all.filter(({ isMine }) => isMine) : all;
  if (line.has('json')) {
    stdout.write(`${JSON.stringify(images, undefined, 2)}\n`);
    return 0;
  }
  const listed = images.flatMap((image) =>
    image.tags.map((tag): ListedImage => ({ tag: nameOf(image.itype, tag), image })),
  );
  listed.sort((left, right) => (left.tag < right.tag ? -1 : 1));
  writeTable(stdout, imageColumns(clock.now()), listed);
  return 0;
}

function nameOf(itype: string, tag: string): string {
  return itype === 'docker' ? tag : `${itype}:${tag}`;
}

function imageColumns(now: Date): readonly Column<ListedImage>[] {
  return [
    { title: 'NAME', text: ({ tag }) => tag },
    { title: 'ID', text: ({ image }) => image.id.slice(0, 12), value: ({ image }) => image.id },
    {
      title: 'SIZE',
      isRight: true,
      text: ({ image }) => (image.sizeBytes === null ? '-' : formatSize(image.sizeBytes)),
      value: ({ image }) => String(image.sizeBytes ?? ''),
    },
    { title: 'FOR', text: ({ image }) => audienceOf(image) },
    {
      title: 'PULLED',
      text: ({ image }) => (image.lastPull === null ? '-' : formatRelativeTime(new Date(image.lastPull * 1000), now)),
      value: ({ image }) => (image.lastPull === null ? '' : new Date(image.lastPull * 1000).toISOString()),
    },
  ];
}

function audienceOf({ isPrivate, userAcl, groupAcl }: OverviewImage): string {
  if (isPrivate !== true || userAcl.length + groupAcl.length === 0) return 'everyone';
  const words = [
    ...(userAcl.length === 0 ? [] : [`users ${userAcl.join(',')}`]),
    ...(groupAcl.length === 0 ? [] : [`groups ${groupAcl.join(',')}`]),
  ];
  return words.join('; ');
}

export async function listPulls({ line, environment, pulls: ask }: Remote): Promise<number> {
  const { stdout } = environment;
  const pulls = await ask();
  if (line.has('json')) stdout.write(`${JSON.stringify(pulls, undefined, 2)}\n`);
  else writeTable(stdout, pullColumns, pulls);
  return 0;
}

const pullColumns: readonly Column<OverviewPull>[] = [
  { title: 'IMAGE', text: ({ itype, tag }) => nameOf(itype, tag) },
  { title: 'STATE', text: ({ status }) => status },
  {
    title: 'DONE',
    isRight: true,
    text: ({ progress }) =>
      progress === null || progress.totalBytes === 0
        ? '-'
        : `${Math.floor((progress.doneBytes / progress.totalBytes) * 100)}% of ${formatSize(progress.totalBytes)}`,
    value: ({ progress }) => (progress === null ? '' : `${progress.doneBytes}/${progress.totalBytes}`),
  },
  { title: 'MESSAGE', text: ({ message }) => message ?? '' },
];
