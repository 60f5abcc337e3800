// SPDX-License-Identifier: Apache-2.0
// From what a person names, or a face found, to the facts of an image: an unpacked directory, a squashfs file, or a name
// in the store.
import { dirname } from 'node:path';
import { type FoundImage, resolveInStores } from '../image/index.ts';
import { emptyImageConfig, formatImageReference, type ImageConfig, SlipwayError } from '../model/index.ts';
import type { GuestKind, ImageFacts } from '../plan/index.ts';
import type { Inputs } from '../sys/inputs.ts';
import { openDirectoryRootfs, type Rootfs } from './rootfs.ts';

/** An image that stands somewhere: what a face hands over that has looked for it in its own way. */
export type LocatedImage = {
  /** For messages. */
  readonly subject: string;
  readonly root: ImageFacts['root'];
  readonly config: ImageConfig;
  /**
   * Changes whenever the content may have. Leave it out where the root's own path and stamp say enough; a digest holds
   * across copies of the file.
   */
  readonly identity?: string;
};

/** An image that has been opened, to be looked into; a link in it never leads to a file of the host. */
export type OpenedImage = Required<LocatedImage> &
  Pick<Rootfs, 'kindOf' | 'readText' | 'openFile' | 'listDirectory' | 'realPath'>;

/**
 * Finds and opens an image, lets `use` look into it, and closes it.
 * A name that begins with `/`, `./` or `../`, or is `.`, is a path, as is what follows `squashfs:` and `directory:`; any other is a name in one of the stores, looked
 * for in their order, and where they have none, a path after all.
 * @throws SlipwayError `image-not-found`, `image-denied`, `image-ambiguous`, `image-file-unknown`, and those of a damaged squashfs.
 */
export async function withImage<T>(
  name: string | LocatedImage,
  given: { readonly inputs: Inputs; readonly stores: readonly [string, ...string[]] },
  use: (image: OpenedImage, facts: (targets: readonly string[]) => ImageFacts) => T,
): Promise<T> {
  const { inputs, stores } = given;
  const located = typeof name === 'string' ? findImage(name, stores, inputs) : identified(name, inputs);
  const rootfs =
    located.root.kind === 'directory'
      ? openDirectoryRootfs(located.root.path, inputs)
      : (await import('./squashfs-rootfs.ts')).openSquashfsRootfs(located.root.path, inputs);
  try {
    const { kindOf, readText, openFile, listDirectory, realPath } = rootfs;
    return use({ ...located, kindOf, readText, openFile, listDirectory, realPath }, (targets) => ({
      ...located,
      ...lookInto(rootfs, targets),
    }));
  } finally {
    rootfs.close();
  }
}

function findImage(name: string, stores: readonly [string, ...string[]], inputs: Inputs): Required<LocatedImage> {
  // As a person says it to every command; other forms are pulled first.
  const [, path] = /^(?:squashfs|directory):(.+)$/s.exec(name) ?? [];
  if (path !== undefined) return atPath(path, inputs);
  return isPath(name) ? atPath(name, inputs) : inStores(name, stores, inputs);
}

function identified(image: LocatedImage, inputs: Inputs): Required<LocatedImage> {
  const { kind, path } = image.root;
  const stamp = kind === 'directory' ? path : stampText(path, inputs);
  return { ...image, identity: image.identity === undefined ? stamp : `${image.identity} ${stamp}` };
}

function lookInto(
  rootfs: Rootfs,
  targets: readonly string[],
): Pick<ImageFacts, 'kinds' | 'emptyAncestors' | 'places' | 'passwd' | 'group'> {
  const kinds = new Map<string, GuestKind>();
  const places = new Map<string, string>();
  const emptyAncestors = new Map<string, string>();
  for (const target of targets) {
    const place = placeOf(target, rootfs.realPath);
    if (place !== target) places.set(target, place);
    const kind = rootfs.kindOf(target);
    if (kind !== undefined) {
      kinds.set(target, kind);
      continue;
    }
    let above = dirname(target);
    while (above !== '/' && rootfs.kindOf(above) === undefined) above = dirname(above);
    if (above !== '/' && rootfs.isEmptyDirectory(above)) emptyAncestors.set(target, above);
  }
  return {
    kinds,
    emptyAncestors,
    places,
    passwd: rootfs.readText('/etc/passwd') ?? '',
    group: rootfs.readText('/etc/group') ?? '',
  };
}

/** The path without links as far as it exists, the rest of it as written. */
function placeOf(guestPath: string, realPath: (path: string) => string | undefined): string {
  const names = guestPath.split('/').filter((name) => name !== '' && name !== '.');
  for (let there = names.length; there > 0; there -= 1) {
    const real = realPath(`/${names.slice(0, there).join('/')}`);
    if (real === undefined) continue;
    return `${real === '/' ? '' : real}${names
      .slice(there)
      .map((name) => `/${name}`)
      .join('')}`;
  }
  return `/${names.join('/')}`;
}

function isPath(name: string): boolean {
  return /^(?:\/|\.\.?(?:\/|$))/.test(name);
}

function atPath(name: string, inputs: Inputs): Required<LocatedImage> {
  const path = inputs.absolute(name);
  const kind = inputs.kindOf(path);
  if (kind === undefined || kind === 'other') {
    throw kind === undefined
      ? new SlipwayError('image-file-missing', { path })
      : new SlipwayError('image-file-unknown', { path });
  }
  const config = emptyImageConfig({ os: 'linux', architecture: process.arch });
  if (kind === 'directory') return { subject: name, root: { kind, path }, config, identity: path };
  const file = inputs.openFile(path);
  if (file === undefined) throw new SlipwayError('image-file-missing', { path });
  const magic = file.read(0, 4).toString('latin1');
  file.close();
  if (magic !== 'hsqs') throw new SlipwayError('image-file-unknown', { path });
  return { subject: name, root: { kind: 'squashfs', path }, config, identity: stampText(path, inputs) };
}

function inStores(name: string, stores: readonly [string, ...string[]], inputs: Inputs): Required<LocatedImage> {
  let found: FoundImage;
  try {
    found = resolveInStores(name, stores, inputs);
  } catch (error) {
    // `slipway run rootfs` and `slipway run my.squashfs` mean the path when the store knows no such image.
    const path = inputs.absolute(name);
    if (error instanceof SlipwayError && inputs.kindOf(path) !== undefined) return atPath(path, inputs);
    throw error;
  }
  const { image, tag, squashfsPath } = found;
  inputs.kindOf(squashfsPath);
  return {
    subject: tag === undefined ? image.digest : formatImageReference(tag.reference),
    root: { kind: 'squashfs', path: squashfsPath },
    config: image.config,
    identity: `${image.digest} ${stampText(squashfsPath, inputs)}`,
  };
}

/** What the trace says of a file: two images at one path must not share a holder. */
function stampText(path: string, inputs: Inputs): string {
  inputs.openFile(path)?.close();
  const entry = inputs.trace().find((candidate) => candidate.read === 'file' && candidate.path === path);
  return entry?.read === 'file'
    ? [entry.stamp.dev, entry.stamp.ino, entry.stamp.sizeBytes, entry.stamp.mtimeNs, entry.stamp.ctimeNs].join(' ')
    : path;
}
