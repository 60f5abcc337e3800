// SPDX-License-Identifier: Apache-2.0
// From what a person writes to something that can be read: an image with manifest and layers, or a bare tree of files.
import { resolve } from 'node:path';
import { parseSif, type SifImage } from '../../formats/sif/index.ts';
import {
  type Emit,
  emptyImageConfig,
  type ImageReference,
  type LayoutTransport,
  type Platform,
  parseImageReference,
  type PullEvent,
  SlipwayError,
  type SourceReference,
} from '../../model/index.ts';
import type { ByteRange } from '../../sys/file-chunks.ts';
import { removeIfPresent, statFollowing } from '../../sys/files.ts';
import { openRandomFile } from '../../sys/random-file.ts';
import { directoryTree } from '../trees/directory-source.ts';
import { squashfsTree } from '../trees/squashfs-source.ts';
import { tarballTree } from '../trees/tarball-source.ts';
import type { TreeOptions, TreeSource } from '../trees/tree.ts';
import type { ImageSource, LocalSource } from '../types.ts';
import { type EngineReference, saveEngineImage } from './engines.ts';
import { openDirTransport, openDockerArchive, openOciLayout } from './layout-source.ts';
import { archiveMembers, directoryMembers, type Members } from './members.ts';
import { sniffPath } from './sniff.ts';

/** What can be read of a source; to be closed by who opened it. */
export type OpenedSource =
  | { readonly kind: 'image'; readonly source: ImageSource | LocalSource }
  | { readonly kind: 'tree'; readonly source: TreeSource };
/** A reference to a file or directory that says what it is. */
export type PathReference = Exclude<Extract<SourceReference, { readonly path: string }>, { transport: 'path' }>;
type OpenedImage = { readonly kind: 'image'; readonly source: LocalSource };

export type OpenSourceOptions = {
  readonly platform: Platform;
  readonly options: TreeOptions;
  /** Against which relative paths are taken. */
  readonly workingDirectory: string;
  /** For what can only be read from a file of its own (compressed archives, images of other engines): see `archiveMembers`. */
  readonly temporaryPath: () => string;
  /** Opens an image of a registry, with the caller's credentials and settings. */
  readonly openRegistry: (reference: ImageReference) => ImageSource;
  /** For other engines' programs: HOME, XDG_RUNTIME_DIR, DOCKER_HOST and the like. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `false` keeps a single directory at the top of a tarball. */
  readonly stripsTop?: boolean;
  readonly emit: Emit<PullEvent>;
  readonly signal: AbortSignal;
};

/**
 * Opens a source of any kind. A `name` is taken for a registry's.
 *
 * @example
 * const opened = await openSource(parseSourceReference('oci-archive:image.tar'), options);
 * try { … } finally { await opened.source.close(); }
 *
 * @throws SlipwayError `source-missing`, `source-unrecognized`, `layout-*`, `archive-*`, `sif-*`, `squashfs-*`,
 *   `engine-unavailable`, `program-missing`, `reference-malformed`; a registry is only asked when the image is resolved
 */
export async function openSource(reference: SourceReference, options: OpenSourceOptions): Promise<OpenedSource> {
  switch (reference.transport) {
    case 'docker':
      return { kind: 'image', source: options.openRegistry(reference.image) };
    case 'name':
      return { kind: 'image', source: options.openRegistry(parseImageReference(reference.text)) };
    case 'oci':
    case 'oci-archive':
    case 'docker-archive':
      return await openLayout(reference, options);
    case 'docker-daemon':
    case 'containers-storage':
      return await openEngine(reference, options);
    case 'dir': {
      const members = directoryMembers(await existing(reference.path, options));
      return { kind: 'image', source: await openDirTransport({ ...options, members }) };
    }
    case 'directory':
      return openDirectory(await existing(reference.path, options), options);
    case 'tar':
      return await openTarball(await existing(reference.path, options), options);
    case 'squashfs':
      return await openSquashfsFile(await existing(reference.path, options), undefined, options);
    case 'sif':
      return await openSif(await existing(reference.path, options), options);
    case 'path': {
      const path = resolve(options.workingDirectory, reference.path);
      const settings = { searchPath: options.options.searchPath, signal: options.signal };
      return await openSource(await resolvePathTransport(path, settings), options);
    }
    default:
      return reference satisfies never;
  }
}

/**
 * What is at a path, by its content, as a reference that says so.
 * @throws SlipwayError `source-missing`, `source-unrecognized`, `archive-unreadable`, `program-missing`
 */
export async function resolvePathTransport(
  path: string,
  options: { readonly searchPath: string; readonly signal: AbortSignal },
): Promise<PathReference> {
  const transport = await sniffPath(path, options);
  return { transport, path };
}

async function openLayout(
  reference: { readonly transport: LayoutTransport; readonly path: string; readonly name?: string },
  options: OpenSourceOptions,
): Promise<OpenedSource> {
  const path = await existing(reference.path, options);
  const name = reference.name === undefined ? {} : { name: reference.name };
  if (reference.transport === 'oci') {
    return { kind: 'image', source: await openOciLayout({ ...options, ...name, members: directoryMembers(path) }) };
  }
  if (reference.transport === 'oci-archive') return await openArchive(path, reference.name, options);
  return await openMembers(path, options, (members) => openDockerArchive({ ...options, ...name, members }));
}

/**
 * An archive of an image, taken for what its members say: an OCI layout where it is one, which has a manifest (docker
 * has written both at once since version 25), else one of docker save.
 */
async function openArchive(path: string, name: string | undefined, options: OpenSourceOptions): Promise<OpenedImage> {
  return await openMembers(path, options, async (members) => {
    const given = { ...options, members, ...(name === undefined ? {} : { name }) };
    const isLayout =
      (await members.find('index.json')) !== undefined && (await members.find('oci-layout')) !== undefined;
    return await (isLayout ? openOciLayout(given) : openDockerArchive(given));
  });
}

async function openEngine(reference: EngineReference, options: OpenSourceOptions): Promise<OpenedSource> {
  const { environment, signal } = options;
  const path = options.temporaryPath();
  await saveEngineImage(reference, path, { environment, searchPath: options.options.searchPath, signal });
  const discard = async (): Promise<void> => void (await removeIfPresent(path));
  try {
    const { source } = await openArchive(path, undefined, options);
    return {
      kind: 'image',
      source: {
        ...source,
        close: async () => {
          await source.close();
          await discard();
        },
      },
    };
  } catch (error) {
    await discard();
    throw error;
  }
}

async function openMembers(
  path: string,
  options: OpenSourceOptions,
  open: (members: Members) => Promise<LocalSource>,
): Promise<OpenedImage> {
  const { temporaryPath, signal } = options;
  const members = await archiveMembers(path, { temporaryPath, searchPath: options.options.searchPath, signal });
  try {
    return { kind: 'image', source: await open(members) };
  } catch (error) {
    await members.close();
    throw error;
  }
}

function openDirectory(path: string, { platform, options, emit }: OpenSourceOptions): OpenedSource {
  return { kind: 'tree', source: directoryTree({ path, config: emptyImageConfig(platform), options, emit }) };
}

async function openTarball(path: string, given: OpenSourceOptions): Promise<OpenedSource> {
  const { platform, options, emit, stripsTop, signal } = given;
  const strips = stripsTop === undefined ? {} : { stripsTop };
  return { kind: 'tree', source: await tarballTree({ path, platform, options, emit, signal, ...strips }) };
}

async function openSquashfsFile(
  path: string,
  range: ByteRange | undefined,
  { platform, options, emit }: OpenSourceOptions,
): Promise<OpenedSource> {
  const part = range === undefined ? {} : { range };
  return {
    kind: 'tree',
    source: await squashfsTree({ path, config: emptyImageConfig(platform), options, emit, ...part }),
  };
}

async function openSif(path: string, options: OpenSourceOptions): Promise<OpenedSource> {
  const { range, architecture } = findSifTree(path);
  const platform = architecture === undefined ? options.platform : { os: 'linux', architecture };
  return await openSquashfsFile(path, range, { ...options, platform });
}

/** Where in a SIF file the root file system is. @throws SlipwayError `sif-malformed`, `sif-unsupported` */
function findSifTree(path: string): { readonly range: ByteRange; readonly architecture: string | undefined } {
  const file = openRandomFile(path);
  let image: SifImage;
  try {
    image = parseSif(file);
  } finally {
    file.close();
  }
  const unsupported = (reason: string): SlipwayError => new SlipwayError('sif-unsupported', { path, reason });
  const { descriptors } = image;
  const partitions = descriptors.flatMap((descriptor) =>
    descriptor.partition === undefined ? [] : [{ ...descriptor, partition: descriptor.partition }],
  );
  const root =
    partitions.find(({ partition }) => partition.role === 'primary-system') ??
    partitions.find(({ partition }) => partition.role === 'system');
  if (root === undefined) {
    const isOci = descriptors.some(({ type }) => type === 'oci-root-index');
    throw unsupported(isOci ? 'it is an OCI-SIF, whose layers are not read' : 'it has no system partition');
  }
  const { fileSystem, architecture } = root.partition;
  if (fileSystem !== 'squashfs') throw unsupported(`its system partition is ${fileSystem}, not squashfs`);
  return {
    range: { startBytes: root.startBytes, lengthBytes: root.sizeBytes },
    architecture: architecture ?? image.architecture,
  };
}

async function existing(path: string, options: OpenSourceOptions): Promise<string> {
  const absolute = resolve(options.workingDirectory, path);
  if ((await statFollowing(absolute)) === undefined) throw new SlipwayError('source-missing', { path: absolute });
  return absolute;
}
