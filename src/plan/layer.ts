// SPDX-License-Identifier: Apache-2.0
// The directory that a face lays over an image: what the face puts there, and the mount points that the image lacks.
import type { MadeEntry, MountRequest } from '../model/index.ts';
import type { HostFacts, ImageFacts } from './facts.ts';
import { fingerprint } from './fingerprint.ts';
import { isInside, type Skeleton } from './scaffold.ts';

/** The guest directories whose places in the image decide where mount points below them are made. */
export function layerDirectories(layer: readonly MadeEntry[] | undefined): readonly string[] {
  return (layer ?? []).filter(({ kind }) => kind === 'directory').map(({ path }) => `/${path}`);
}

/**
 * `own`, and a mount point for each of `mounts` where neither the image nor `own` has one and no earlier mount brings it.
 * A mount point stands where the image's links lead; below a directory of `own` that covers a link of the image, as it is
 * written.
 */
export function layerFor(
  own: readonly MadeEntry[],
  mounts: readonly MountRequest[],
  given: { readonly image: ImageFacts; readonly host: HostFacts },
): Skeleton {
  const { image, host } = given;
  const entries = new Map(own.map((entry) => [entry.path, entry]));
  const covering = layerDirectories(own).filter((path) => (image.places.get(path) ?? path) !== path);
  for (const [index, mount] of mounts.entries()) {
    const { target } = mount;
    if (mount.flags.optional === true || entries.has(target.slice(1))) continue;
    if (mounts.slice(0, index).some((other) => other.target !== target && isInside(target, other.target))) continue;
    const isCovered = covering.some((path) => isInside(target, path));
    if (!isCovered && image.kinds.has(target)) continue;
    const place = isCovered ? target : (image.places.get(target) ?? target);
    const isFile = mount.kind === 'file' || (mount.kind === 'bind' && host.sourceKinds.get(mount.source) === 'file');
    const names = place.slice(1).split('/');
    names.forEach((_, depth) => {
      const path = names.slice(0, depth + 1).join('/');
      const kind = isFile && depth === names.length - 1 ? 'file' : 'directory';
      // A link of the layer where a directory is needed gives way.
      if (entries.get(path)?.kind !== 'directory') entries.set(path, { path, kind });
    });
  }
  const sorted = [...entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { path: `${host.generatedDirectory}/s-${fingerprint(JSON.stringify(sorted))}`, entries: sorted };
}
