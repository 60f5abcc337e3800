// SPDX-License-Identifier: Apache-2.0
// Mount points that an image lacks. A read-only root can't get them, so something must be put over it: where the nearest
// directory above is empty (an image's /home, /mnt), a skeleton of directories from the host's side, which costs one
// mount and hides nothing; otherwise an overlay over the whole root.
import type { Adaptation, MadeEntry, MountRequest } from '../model/index.ts';
import type { HostFacts, ImageFacts } from './facts.ts';
import { fingerprint } from './fingerprint.ts';

/** A directory tree that is made before the launch and mounted where it is wanted. */
export type Skeleton = {
  /** On the host; the name tells the content. */
  readonly path: string;
  /** Below it, a directory before what is in it. */
  readonly entries: readonly MadeEntry[];
};

export type Scaffold =
  | { readonly kind: 'none' }
  | { readonly kind: 'overlay' }
  | { readonly kind: 'skeletons'; readonly skeletons: readonly (Skeleton & { readonly target: string })[] };

/** What it takes to have the mount points of all that must be mounted. */
export function scaffoldFor(
  adaptations: readonly Adaptation[],
  given: { readonly image: ImageFacts; readonly host: HostFacts },
): Scaffold {
  const { image, host } = given;
  const mounts = adaptations.flatMap((adaptation) => adaptation.mounts);
  const targets = mounts.map(({ target }) => target);
  const missing = mounts.filter(
    ({ target, flags }) =>
      !flags.optional &&
      !image.kinds.has(target) &&
      !targets.some((other) => other !== target && isInside(target, other)),
  );
  if (missing.length === 0) return { kind: 'none' };
  const byAncestor = Map.groupBy(missing, ({ target }) => image.emptyAncestors.get(target));
  const canCover = [...byAncestor.keys()].every(
    // A mount on the empty directory or above it would be hidden by what covers it, or hide it.
    (ancestor) => ancestor !== undefined && !targets.some((other) => isInside(ancestor, other)),
  );
  if (!canCover) return { kind: 'overlay' };
  return {
    kind: 'skeletons',
    skeletons: [...byAncestor].map(([ancestor = '', mountsThere]) => ({
      ...skeletonOf(ancestor, mountsThere, host),
      target: ancestor,
    })),
  };
}

function skeletonOf(ancestor: string, mounts: readonly MountRequest[], host: HostFacts): Skeleton {
  const kinds = new Map<string, 'file' | 'directory'>();
  for (const mount of mounts) {
    const names = mount.target.slice(ancestor.length + 1).split('/');
    names.forEach((_, index) => {
      const path = names.slice(0, index + 1).join('/');
      const isLast = index === names.length - 1;
      const isFile = isLast && mount.kind === 'bind' && host.sourceKinds.get(mount.source) === 'file';
      if (kinds.get(path) !== 'directory') kinds.set(path, isFile ? 'file' : 'directory');
    });
  }
  const entries = [...kinds].map(([path, kind]) => ({ path, kind })).sort((a, b) => (a.path < b.path ? -1 : 1));
  const name = fingerprint(JSON.stringify(entries));
  return { path: `${host.generatedDirectory}/s-${name}`, entries };
}

/** Whether `path` is `directory` or below it, by components. */
export function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}
