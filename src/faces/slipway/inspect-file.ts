// SPDX-License-Identifier: Apache-2.0
import { openSquashfs } from '../../formats/squashfs/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { createInputs } from '../../sys/inputs.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';
import { formatCount, formatLocalTime, formatSize } from '../terminal/units.ts';
import type { Inspection } from './inspection.ts';

/**
 * What a squashfs file says about itself.
 * @throws SlipwayError `file-operation-failed`, `squashfs-unrecognized`, `squashfs-damaged`.
 */
export function inspectFile(name: string, { variables, workingDirectory }: FaceEnvironment): Inspection {
  const inputs = createInputs({ environment: variables, cwd: workingDirectory });
  const path = inputs.absolute(name);
  const file = inputs.openFile(path);
  if (file === undefined) {
    const fields = { attempt: 'read the file', path, reason: 'no such file or directory', errno: 'ENOENT' };
    throw new SlipwayError('file-operation-failed', fields);
  }
  try {
    const { superblock } = openSquashfs({ image: path, read: file.read, sizeBytes: file.sizeBytes });
    const { compression, blockSizeBytes, inodeCount, usedBytes, mkfsTimeSec } = superblock;
    const made = new Date(mkfsTimeSec * 1000);
    return {
      title: path,
      fields: [
        ['format', `squashfs 4.0, ${compression}, blocks of ${formatSize(blockSizeBytes)}`],
        ['size', `${formatSize(usedBytes)}, ${formatCount(inodeCount, 'inode')}`],
        ['made', formatLocalTime(made)],
      ],
      json: {
        file: path,
        format: 'squashfs',
        compression,
        blockSizeBytes,
        sizeBytes: usedBytes,
        inodes: inodeCount,
        made: made.toISOString(),
      },
    };
  } finally {
    file.close();
  }
}
