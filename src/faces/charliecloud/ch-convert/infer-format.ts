// SPDX-License-Identifier: Apache-2.0
import { SlipwayError } from '../../../model/index.ts';
import { type Format, formats } from './description.ts';
import { isOciText } from './oci-place.ts';

/** The format that a name tells. What is neither a file's name nor a path is an image in the storage directory. */
export function inferFormat(name: string): Format {
  if (isOciText(name)) return 'oci';
  if (/\.(?:sqfs|squash|squashfs|squishy)$/.test(name)) return 'squash';
  if (/\.(?:tar|t.z|tar\..|tar\...)$/s.test(name)) return 'tar';
  return /^\.?\//.test(name) ? 'dir' : 'ch-image';
}

/** @throws SlipwayError `charliecloud-convert` */
export function readFormat(text: string): Format {
  const format = formats.find((each) => each === text);
  if (format === undefined) throw new SlipwayError('charliecloud-convert', { reason: `invalid format: ${text}` });
  return format;
}
