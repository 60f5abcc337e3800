// SPDX-License-Identifier: Apache-2.0
// An image of the site's store, `IDENTITY.squashfs` with `IDENTITY.meta` beside it, and who may run it.
import { parseImageMeta } from '../../formats/shifter-meta/index.ts';
import type { LocatedImage } from '../../launch/index.ts';
import { emptyImageConfig, hasCode, type ImageConfig, SlipwayError } from '../../model/index.ts';
import type { UdiRoot } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import type { ContainerUser } from './container-user.ts';

export type SiteImage = {
  readonly identifier: string;
  readonly located: LocatedImage;
  readonly config: ImageConfig;
  /** Who imported it, where nobody converted it: what is in it is anyone's work. */
  readonly importer?: string;
};

/**
 * Finds an image by its identity (`id`), or takes a directory as one (`local`).
 * @throws SlipwayError `shifter-image-missing`, `shifter-image-closed`, `shifter-image-unusable`, `shifter-local-closed`
 */
export function findSiteImage(
  image: { readonly type: 'id' | 'local'; readonly name: string; readonly request: string },
  given: { readonly udiRoot: UdiRoot; readonly user: ContainerUser; readonly inputs: Inputs },
): SiteImage {
  const { udiRoot, user, inputs } = given;
  const platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch };
  const { name, request } = image;
  if (image.type === 'local') {
    if (!udiRoot.allowLocalChroot) throw new SlipwayError('shifter-local-closed', { path: name });
    if (inputs.kindOf(name) !== 'directory')
      throw new SlipwayError('shifter-image-missing', { image: request, path: name });
    const config = emptyImageConfig(platform);
    return { identifier: name, config, located: { subject: request, root: { kind: 'directory', path: name }, config } };
  }
  const path = `${udiRoot.imagePath}/${name}.squashfs`;
  const text = unlessClosed(request, () => inputs.readText(`${udiRoot.imagePath}/${name}.meta`));
  if (text === undefined) throw new SlipwayError('shifter-image-missing', { image: request, path });
  const read = parseImageMeta(text);
  if (!read.ok)
    throw new SlipwayError('shifter-image-unusable', { image: request, reason: `${name}.meta: ${read.reason}` });
  const { meta } = read;
  if (meta.format !== 'squashfs') {
    throw new SlipwayError('shifter-image-unusable', {
      image: request,
      reason: `its format is ${meta.format}, not squashfs`,
    });
  }
  if (!isAllowed(user, meta)) {
    throw new SlipwayError('shifter-image-closed', {
      image: request,
      reason: 'its list of users and groups has neither you nor a group of yours',
    });
  }
  if (inputs.kindOf(path) !== 'file') throw new SlipwayError('shifter-image-missing', { image: request, path });
  unlessClosed(request, () => inputs.openFile(path)?.close());
  const { env, entrypoint, cmd, workdir, importer } = meta;
  const config: ImageConfig = {
    platform,
    env,
    entrypoint,
    cmd,
    labels: {},
    ...(workdir === undefined ? {} : { workdir }),
  };
  return {
    identifier: name,
    config,
    located: { subject: request, root: { kind: 'squashfs', path }, config, identity: name },
    ...(importer === undefined ? {} : { importer }),
  };
}

/** Both lists empty: everyone. */
export function isAllowed(
  user: Pick<ContainerUser, 'uid' | 'gid' | 'groups'>,
  lists: { readonly userIds: readonly number[]; readonly groupIds: readonly number[] },
): boolean {
  const { userIds, groupIds } = lists;
  if (userIds.length === 0 && groupIds.length === 0) return true;
  return userIds.includes(user.uid) || [user.gid, ...user.groups].some((gid) => groupIds.includes(gid));
}

function unlessClosed<T>(image: string, look: () => T): T {
  try {
    return look();
  } catch (error) {
    if (!hasCode(error, 'input-unreadable')) throw error;
    const reason = 'its file is private to the image service and not readable for you';
    throw new SlipwayError('shifter-image-closed', { image, reason }, { cause: error });
  }
}
