// SPDX-License-Identifier: Apache-2.0
// The image in which programs run, where that is not the machine: found, and put into the installation.
import { join } from 'node:path';
import { SlipwayError } from '../model/index.ts';
import { readFileIfPresent } from '../sys/files.ts';
import { copyFile, linkOrCopy, realPathIfPresent, setMode } from '../sys/place-files.ts';
import { automaticBase } from './automatic-base.ts';
import type { Construction } from './construct.ts';
import { type ContainerFacts, type ContainerSource, convertContainer, findContainer } from './container-source.ts';
import { readImageOptions } from './image-options.ts';
import { containerFileName } from './installation.ts';
import { writeTreeImage } from './tree-image.ts';

/** The image in which it runs: an update keeps the one it has. */
export async function findBase({ settings, tools }: Construction): Promise<ContainerSource | undefined> {
  if (settings.container === undefined) return undefined;
  const path = settings.isUpdate ? realPathIfPresent(join(settings.prefix, settings.containerName)) : undefined;
  if (path !== undefined) return { kind: 'squashfs', path, ...settings.keptContainer };
  return await findContainer(settings.container === 'auto' ? await likeTheMachine() : settings.container, tools);
}

async function likeTheMachine(): Promise<string> {
  const text = await readFileIfPresent('/etc/os-release', { maxBytes: 1 << 16 });
  const name = automaticBase(text?.toString() ?? '');
  if (name === undefined) {
    throw new SlipwayError('wrap-configuration-invalid', {
      key: 'container_src',
      reason: 'auto has no meaning here, as /etc/os-release does not tell which distribution this is: name an image',
    });
  }
  return name;
}

export type PlacedContainer = { readonly name: string; readonly path: string } & ContainerFacts;

/** Has the container's file stand in the prefix, or where it is if it is to be shared. */
export async function placeContainer(construction: Construction, source: ContainerSource): Promise<PlacedContainer> {
  const { settings, tools, id, fileMode } = construction;
  if (source.kind === 'squashfs' && settings.sharesContainer) return { ...source, name: source.path };
  const name = containerFileName(id);
  const path = join(settings.prefix, name);
  if (source.kind === 'squashfs') {
    // The one that an update keeps need not be there twice.
    if (source.path.startsWith(`${settings.prefix}/`)) linkOrCopy(source.path, path);
    else copyFile(source.path, path, fileMode);
    return { ...source, name, path };
  }
  let facts: ContainerFacts = { environment: [], identity: undefined };
  if (source.kind === 'other') {
    facts = await convertContainer(source.reference, path, tools);
  } else {
    const { compressor, blockSizeBytes } = readImageOptions(settings.imageOptions);
    await writeTreeImage(source.path, {
      path,
      compressor,
      blockSizeBytes,
      threads: settings.threads,
      opensModes: false,
      links: new Map(),
      aliases: [],
      mkfsTimeSec: Math.floor(tools.clock.now().getTime() / 1000),
      signal: tools.signal,
      emit: tools.emit,
    });
  }
  setMode(path, fileMode);
  return { ...facts, name, path };
}
