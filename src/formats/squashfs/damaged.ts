// SPDX-License-Identifier: Apache-2.0
import { SlipwayError } from '../../model/index.ts';

/**
 * Refuses an image that can't be right.
 * @param what the structure, as a noun phrase: "a directory header"
 * @param offset where it is, in bytes from the start of the image; for what is inside a metadata block, the block's start
 */
export function damaged(image: string, what: string, offset: number, reason: string, cause?: unknown): never {
  throw new SlipwayError('squashfs-damaged', { image, what, offset, reason }, cause === undefined ? {} : { cause });
}
