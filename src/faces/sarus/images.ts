// SPDX-License-Identifier: Apache-2.0
// `sarus images` and `sarus rmi`.
import {
  formatSarusReference,
  listSarusImages,
  openStore,
  parseSarusReference,
  removeSarusImage,
  type SarusImage,
  type SarusReference,
} from '../../image/index.ts';
import { hasCode, SlipwayError } from '../../model/index.ts';
import { printable } from '../terminal/printable.ts';
import type { SarusContext } from './context.ts';
import { images as imagesDescription, rmi as rmiDescription } from './descriptions/commands.ts';
import { readLine } from './read-line.ts';
import { formatColumns } from './columns.ts';

export async function images(words: readonly string[], context: SarusContext): Promise<number> {
  const line = readLine(imagesDescription, words);
  const listed = await listSarusImages(context.repository(line.has('centralized-repository')));
  const titles = [
    'REPOSITORY',
    'TAG',
    ...(line.has('digests') ? ['DIGEST'] : []),
    'IMAGE ID',
    'CREATED',
    'SIZE',
    'SERVER',
  ];
  const rows = listed.map((image) => [
    repositoryName(image),
    image.tag || '<none>',
    ...(line.has('digests') ? [image.digest || image.registryDigest || '<none>'] : []),
    image.id.slice(0, 12) || '<none>',
    image.created || '<none>',
    image.datasize || '<none>',
    image.server,
  ]);
  context.environment.stdout.write(formatColumns([titles, ...rows].map((row) => row.map(printable))));
  return 0;
}

/** Official images go without their namespace. */
function repositoryName({ namespace, image }: SarusImage): string {
  return namespace === '' || namespace === 'library' ? image : `${namespace}/${image}`;
}

/** @throws SlipwayError `sarus-image-missing` */
export async function rmi(words: readonly string[], context: SarusContext): Promise<number> {
  const line = readLine(rmiDescription, words);
  const { signal, environment } = context;
  const wanted = parseSarusReference(line.operands[0] ?? '');
  const repository = context.repository(line.has('centralized-repository'));
  const servers = wanted.server === 'docker.io' ? ['docker.io', 'index.docker.io', 'load'] : [wanted.server];
  for (const server of servers) {
    const reference: SarusReference = { ...wanted, server };
    if ((await removeSarusImage(repository, reference, signal)) === undefined) continue;
    await forget(repository.storePath, reference, signal);
    environment.stdout.write(`removed ${formatSarusReference(reference)}\n`);
    return 0;
  }
  throw new SlipwayError('sarus-image-missing', {
    reference: formatSarusReference(wanted),
    repository: repository.directory,
  });
}

/** The content, which only this Slipway knows of: it may never have been here. */
async function forget(storePath: string, reference: SarusReference, signal: AbortSignal): Promise<void> {
  try {
    const store = await openStore(storePath);
    await store.remove(formatSarusReference(reference), { signal });
  } catch (error) {
    if (!hasCode(error, 'image-not-found', 'image-ambiguous')) throw error;
  }
}
