// SPDX-License-Identifier: Apache-2.0
// An image of the site's store, `IDENTITY.squashfs` with `IDENTITY.meta` beside it, and who may run it.
import { isConvertedBySlipway, type MetaFile, parseMetaFile } from '../../formats/shifter/index.ts';
import type { LocatedImage } from '../../launch/index.ts';
import { describeError, emptyImageConfig, hasCode, type ImageConfig, SlipwayError } from '../../model/index.ts';
import type { UdiRoot } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import type { ContainerUser } from './container-user.ts';

export type SiteImage = {
  readonly identifier: string;
  readonly located: LocatedImage;
  readonly config: ImageConfig;
  /** Whether Slipway made the file from layers itself; otherwise it may be anyone's work. */
  readonly isConverted: boolean;
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
    return {
      identifier: name,
      config,
      located: { subject: request, root: { kind: 'directory', path: name }, config },
      isConverted: false,
    };
  }
  const path = `${udiRoot.imagePath}/${name}.squashfs`;
  const text = unlessClosed(request, () => inputs.readText(`${udiRoot.imagePath}/${name}.meta`));
  if (text === undefined) throw new SlipwayError('shifter-image-missing', { image: request, path });
  const meta = readMeta(text, request, `${name}.meta`);
  if (meta.format !== 'squashfs') {
    throw new SlipwayError('shifter-image-unusable', {
      image: request,
      reason: `its format is ${meta.format}, not squashfs`,
    });
  }
  if (!isAllowed(user, { userIds: meta.userAcl ?? [], groupIds: meta.groupAcl ?? [] })) {
    throw new SlipwayError('shifter-image-closed', {
      image: request,
      reason: 'its list of users and groups has neither you nor a group of yours',
    });
  }
  if (inputs.kindOf(path) !== 'file') throw new SlipwayError('shifter-image-missing', { image: request, path });
  unlessClosed(request, () => inputs.openFile(path)?.close());
  const { env, entry, cmd, workdir } = meta;
  const own = workdir === undefined || workdir === '' ? {} : { workdir };
  const config: ImageConfig = { platform, env, entrypoint: entry, cmd, labels: {}, ...own };
  return {
    identifier: name,
    config,
    located: { subject: request, root: { kind: 'squashfs', path }, config, identity: name },
    isConverted: isConvertedBySlipway(text),
  };
}

function readMeta(text: string, image: string, file: string): MetaFile {
  try {
    return parseMetaFile(text);
  } catch (cause) {
    throw new SlipwayError('shifter-image-unusable', { image, reason: `${file}: ${describeError(cause)}` }, { cause });
  }
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
