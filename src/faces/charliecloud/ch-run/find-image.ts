// SPDX-License-Identifier: Apache-2.0
// Which image a word means: a name in the storage directory, a directory, or a squashfs file, in this order.
import type { LocatedImage } from '../../../launch/index.ts';
import { emptyImageConfig, SlipwayError } from '../../../model/index.ts';
import type { Inputs } from '../../../sys/inputs.ts';
import { systemError } from '../../../sys/system-error.ts';
import type { Speaker } from '../messages.ts';
import { storageName } from '../storage-name.ts';
import type { ChRunCommandLine } from './options.ts';

/** An image with the place where Charliecloud would have mounted it, for messages. */
export type FoundImage = LocatedImage & { readonly newRoot: string };

/** @throws SlipwayError for each way in which the word is no image, or none that may be run so. */
export function findImage(line: ChRunCommandLine, inputs: Inputs, speaker: Speaker): FoundImage {
  const stored = `${line.storage}/img/${storageName(line.image)}`;
  if (line.image !== '' && inputs.kindOf(stored) === 'directory') {
    if (line.write === 'in-place' && !line.isUnsafe) throw new SlipwayError('charliecloud-write-by-name', {});
    return directory(line, stored, speaker);
  }
  const path = line.image === '' ? '' : inputs.absolute(line.image);
  const kind = path === '' ? undefined : inputs.kindOf(path);
  if (kind === undefined) {
    throw new SlipwayError('charliecloud-image-missing', { image: line.image }, { cause: systemError('ENOENT') });
  }
  if (kind === 'directory') {
    if (!line.isUnsafe && isInStorage(path, line.storage, inputs)) {
      throw new SlipwayError('charliecloud-image-in-storage', {});
    }
    return directory(line, path, speaker);
  }
  if (kind === 'other' || !isSquashfs(path, inputs, speaker)) {
    throw new SlipwayError('charliecloud-image-unknown', { image: line.image });
  }
  const newRoot = mountPoint(line, inputs);
  return { subject: line.image, root: { kind: 'squashfs', path }, config, newRoot };
}

/** Links are followed, but only where there is a storage directory: each one is looked at again at each launch. */
function isInStorage(path: string, storage: string, inputs: Inputs): boolean {
  if (inputs.kindOf(storage) === undefined) return false;
  const [real, realStorage] = [path, storage].map((each) => inputs.realPath(each) ?? each);
  return realStorage === '/' || `${real}/`.startsWith(`${realStorage}/`);
}

/** Nothing of an image's configuration is used: `--set-env` reads what a container is to have. */
const config = emptyImageConfig({ os: 'linux', architecture: process.arch });

function directory(line: ChRunCommandLine, path: string, speaker: Speaker): FoundImage {
  if (line.mountPoint !== undefined) speaker.warn('--mount invalid with directory image, ignoring');
  return { subject: line.image, root: { kind: 'directory', path }, config, newRoot: path };
}

function isSquashfs(path: string, inputs: Inputs, speaker: Speaker): boolean {
  const file = inputs.openFile(path);
  const magic = file?.read(0, 4) ?? Buffer.alloc(0);
  file?.close();
  const shown = magic.toString('hex').replace(/^(.{4})/, '$1 ');
  speaker.note(`image file magic expected: 6873 7173; actual: ${shown}`);
  return magic.toString('latin1') === 'hsqs';
}

/** Where Charliecloud would mount it. Here a mount point is needed by nobody; one that is named must be there. */
function mountPoint({ mountPoint, user }: ChRunCommandLine, inputs: Inputs): string {
  if (mountPoint === undefined) return `/var/tmp/${user}.ch/mnt`;
  const path = inputs.absolute(mountPoint);
  const kind = inputs.kindOf(path);
  if (kind === undefined) {
    const fields = { what: ' mount point', path: mountPoint };
    throw new SlipwayError('charliecloud-stat', fields, { cause: systemError('ENOENT') });
  }
  if (kind !== 'directory') throw new SlipwayError('charliecloud-not-a-directory', { path });
  return path;
}
