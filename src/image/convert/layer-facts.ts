// SPDX-License-Identifier: Apache-2.0
// What is known of a layer beside its entries once it has been read: kept with its pack, so that the checks of an image
// that is put together from packs are those of one that is read anew.
import type { Digest } from '../../model/index.ts';

export type LayerFacts = {
  /** Of the uncompressed archive. */
  readonly archiveBytes: number;
  readonly archiveDigest?: Digest;
  /** Bytes of all paths and link targets. */
  readonly pathBytes: number;
  /** Bytes of its files with their holes. */
  readonly unfoldedBytes: number;
  /** Extended attributes that no image keeps. */
  readonly xattrsDropped: number;
};
