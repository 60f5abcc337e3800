// SPDX-License-Identifier: Apache-2.0

/** Who takes a blob's bytes as they come, before they are verified. */
export type BlobSink = {
  /** The next bytes, which don't change any more; resolves when more may come. */
  readonly write: (chunk: Buffer) => Promise<void>;
  /** What has come so far was wrong: the blob begins anew. */
  readonly restart: () => Promise<void>;
  /** The blob is complete and verified. Throws where it could not be used. */
  readonly finish: () => Promise<void>;
};
