// SPDX-License-Identifier: Apache-2.0
// Volumes of Shifter's notation as mounts: those that a person shows himself, and those that root makes for him.
import type { Adaptation, MountRequest } from '../../model/index.ts';
import type { PerNodeCache, ShifterModule, UdiRoot, VolumeMap } from '../../site/index.ts';

/** The caches that the site, its modules and a person want on each node. */
export function cacheVolumes(wished: {
  readonly udiRoot: Pick<UdiRoot, 'siteFs'>;
  readonly modules: readonly ShifterModule[];
  readonly volumes: readonly VolumeMap[];
}): readonly VolumeMap[] {
  const { udiRoot, modules, volumes } = wished;
  const all = [...udiRoot.siteFs, ...modules.flatMap(({ siteFs }) => siteFs), ...volumes];
  return all.filter(({ perNodeCache }) => perNodeCache !== undefined);
}

/** Why the site gives nobody such a cache; undefined where it does. */
export function cacheRefusal({ sizeBytes, fsType }: PerNodeCache, udiRoot: UdiRoot): string | undefined {
  const { perNodeCachePath, perNodeCacheSizeLimitBytes: limit, perNodeCacheFsTypes, tools } = udiRoot;
  if (perNodeCachePath === undefined) return 'this site has no perNodeCachePath';
  if (tools.get('mkfsXfsPath') === undefined) return 'this site has no mkfsXfsPath';
  if (limit !== undefined && sizeBytes > limit) return `${sizeBytes} bytes are more than the site's limit, ${limit}`;
  if (perNodeCacheFsTypes.length > 0 && !perNodeCacheFsTypes.includes(fsType)) return `the site allows no ${fsType}`;
  return undefined;
}

/** What a person wants to see elsewhere. A cache is root's to make, and is there already. */
export function volumeMounts(volumes: readonly VolumeMap[]): readonly Adaptation[] {
  const mounts = volumes.filter(({ perNodeCache }) => perNodeCache === undefined).map(volumeMount);
  return mounts.length === 0 ? [] : [{ origin: '--volume', mounts, environment: [] }];
}

function volumeMount({ from, to, readOnly }: VolumeMap): MountRequest {
  return {
    kind: 'bind',
    source: from,
    target: to,
    flags: { recursive: true, inside: true, nosuid: true, nodev: true, readOnly },
  };
}
