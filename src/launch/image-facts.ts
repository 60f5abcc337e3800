// SPDX-License-Identifier: Apache-2.0
// From what a person names to the facts of an image: an unpacked directory, a squashfs file, or a name in the store.
import { dirname } from 'node:path';
import { type FoundImage, resolveStored } from '../image/index.ts';
import { emptyImageConfig, formatImageReference, type ImageConfig, SlipwayError } from '../model/index.ts';
import type { GuestKind, ImageFacts } from '../plan/index.ts';
import type { Inputs } from '../sys/inputs.ts';
import { openDirectoryRootfs, type Rootfs } from './rootfs.ts';

type Located = {
  readonly subject: string;
  readonly root: ImageFacts['root'];
  readonly config: ImageConfig;
  readonly identity: string;
};

/**
 * Finds an image and looks up `targets` in it.
 * A word that begins with `/`, `./` or `../`, or is `.`, is a path; any other is a name in the store at `store`, and
 * where the store has none, a path after all.
 * @throws SlipwayError `image-not-found`, `image-ambiguous`, `image-file-unknown`, and those of a damaged squashfs.
 */
export async function readImageFacts(
  name: string,
  given: { readonly inputs: Inputs; readonly store: string; readonly targets: readonly string[] },
): Promise<ImageFacts> {
  const { inputs, store, targets } = given;
  const located = isPath(name) ? atPath(name, inputs) : inStore(name, store, inputs);
  const rootfs =
    located.root.kind === 'directory'
      ? openDirectoryRootfs(located.root.path, inputs)
      : (await import('./squashfs-rootfs.ts')).openSquashfsRootfs(located.root.path, inputs);
  try {
    return { ...located, ...lookInto(rootfs, targets) };
  } finally {
    rootfs.close();
  }
}

function lookInto(
  rootfs: Rootfs,
  targets: readonly string[],
): Pick<ImageFacts, 'kinds' | 'emptyAncestors' | 'passwd' | 'group'> {
  const kinds = new Map<string, GuestKind>();
  const emptyAncestors = new Map<string, string>();
  for (const target of targets) {
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
    passwd: rootfs.readText('/etc/passwd') ?? '',
    group: rootfs.readText('/etc/group') ?? '',
  };
}

function isPath(name: string): boolean {
  return /^(?:\/|\.\.?(?:\/|$))/.test(name);
}

function atPath(name: string, inputs: Inputs): Located {
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

function inStore(name: string, store: string, inputs: Inputs): Located {
  let found: FoundImage;
  try {
    found = resolveStored(name, store, inputs);
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
