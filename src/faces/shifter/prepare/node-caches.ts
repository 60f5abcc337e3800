// SPDX-License-Identifier: Apache-2.0
// Volumes with perNodeCache: a file system of the job's own on each node, in one sparse file of the site's shared file
// system, which so sees one file instead of many. Root makes the file, formats and mounts it; nobody else ever has the file
// open, and it has no name any more when the user sees what is in it.
import type { Adaptation } from '../../../model/index.ts';
import { describeError, SlipwayError } from '../../../model/index.ts';
import type { PerNodeCache, UdiRoot, VolumeMap } from '../../../site/index.ts';
import { makeUnnamedFile } from '../../../sys/cache-file.ts';
import { listDirectoryIfPresent, removeIfPresent } from '../../../sys/files.ts';
import { hostName } from '../../../sys/this-machine.ts';
import { mountLoop, mountsBelow, unmountTree } from '../../../sys/mounts.ts';
import { makeRootDirectory } from '../../../sys/root-directory.ts';
import { runProgram } from '../../../sys/run-program.ts';
import { systemSearchPath } from '../../../sys/process.ts';
import { cacheRefusal } from '../volumes.ts';
import { layerDirectory } from './places.ts';

const formatTimeoutMs = 120_000;

export type NodeCache = {
  readonly to: string;
  /** Where it is mounted on the node, from where the container is shown it. */
  readonly directory: string;
  readonly wish: PerNodeCache;
};

/**
 * What is asked for, as far as the site allows it; makes the directories.
 * @throws SlipwayError `shifter-cache-refused`
 */
export function nodeCaches(volumes: readonly VolumeMap[], udiRoot: UdiRoot): readonly NodeCache[] {
  return volumes.flatMap(({ to, perNodeCache: wish }, index) => {
    if (wish === undefined) return [];
    const reason = cacheRefusal(wish, udiRoot);
    if (reason !== undefined) throw new SlipwayError('shifter-cache-refused', { to, reason });
    const directory = `${layerDirectory}/cache-${index}`;
    makeRootDirectory(directory);
    return [{ to, directory, wish }];
  });
}

export function cacheMounts(caches: readonly NodeCache[]): readonly Adaptation[] {
  if (caches.length === 0) return [];
  const flags = { nosuid: true, nodev: true };
  const mounts = caches.map(({ to, directory }) => ({ kind: 'bind', source: directory, target: to, flags }) as const);
  return [{ origin: 'perNodeCache', mounts, environment: [] }];
}

/**
 * Makes and mounts all of them, or none.
 * @throws SlipwayError `shifter-cache-failed`
 */
export async function makeNodeCaches(
  caches: readonly NodeCache[],
  given: {
    readonly udiRoot: UdiRoot;
    readonly user: { readonly uid: number; readonly gid: number };
    readonly signal: AbortSignal;
  },
): Promise<void> {
  try {
    for (const cache of caches) await makeNodeCache(cache, given);
  } catch (error) {
    await dropNodeCaches(given.udiRoot);
    throw error;
  }
}

/** Takes away what is left of this node's caches: of a job, or of one whose prolog was killed while a file had a name. */
export async function dropNodeCaches({ perNodeCachePath }: Pick<UdiRoot, 'perNodeCachePath'>): Promise<void> {
  for (const point of mountsBelow(layerDirectory)) unmountTree(point);
  if (perNodeCachePath === undefined) return;
  for (const name of (await listDirectoryIfPresent(perNodeCachePath)) ?? []) {
    if (/^perNodeCache_uid\d+_gid\d+/.test(name) && name.includes(suffix()))
      await removeIfPresent(`${perNodeCachePath}/${name}`);
  }
}

/** Of the names of this node's files; only xfs is made. */
function suffix(): string {
  return `_${hostName()}.xfs.`;
}

async function makeNodeCache(
  { to, directory, wish }: NodeCache,
  given: Parameters<typeof makeNodeCaches>[1],
): Promise<void> {
  const { udiRoot, user, signal } = given;
  const { perNodeCachePath = '', tools } = udiRoot;
  try {
    makeRootDirectory(perNodeCachePath);
    const prefix = `perNodeCache_uid${user.uid}_gid${user.gid}${suffix()}`;
    using file = makeUnnamedFile(`${perNodeCachePath}/${prefix}`, wish.sizeBytes);
    const { exitStatus, output } = await runProgram({
      argv: [tools.get('mkfsXfsPath') ?? '', '-q', '-d', `name=${file.path},file,size=${wish.sizeBytes}`],
      environment: { PATH: systemSearchPath },
      mergesErrors: true,
      maxOutputBytes: 64 << 10,
      timeoutMs: formatTimeoutMs,
      signal,
    });
    if (exitStatus !== 0)
      throw new Error(
        output
          .toString('utf8')
          .trim()
          .replaceAll(/\s*\n\s*/g, '; '),
      );
    mountLoop(file.path, directory, { type: wish.fsType, owner: user });
  } catch (cause) {
    throw new SlipwayError(
      'shifter-cache-failed',
      { to, path: perNodeCachePath, reason: describeError(cause) },
      { cause },
    );
  }
}
