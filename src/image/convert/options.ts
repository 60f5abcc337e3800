// SPDX-License-Identifier: Apache-2.0
// What a caller may choose about a conversion, and what holds where it does not.
import { systemSearchPath, usableProcessors } from '../../sys/process.ts';

export type ConvertLimits = {
  /** Files, directories and the rest: in all layers together, and in the merged tree. */
  readonly maxEntries: number;
  /** Bytes of all paths and link targets in all layers. */
  readonly maxPathBytes: number;
  /** Bytes that the layers unfold to, and bytes of the files in the merged tree. */
  readonly maxContentBytes: number;
  /** How many times as large as its blob a layer may become; looked at only beyond `inflationGraceBytes`. */
  readonly maxInflation: number;
  readonly inflationGraceBytes: number;
};

export type ConvertOptions = {
  readonly limits: ConvertLimits;
  /** zstd level of the squashfs: 1 to 22. */
  readonly compressionLevel: number;
  /** Threads that compress. */
  readonly threads: number;
  /**
   * `drop`: no extended attribute is kept. `keep`: `user.*` and `security.capability` are; others (ACLs, SELinux
   * labels, overlayfs marks) describe the machine that an image was built on and never are.
   */
  readonly xattrs: 'drop' | 'keep';
  /** Directories, colon-separated, in which the program that writes squashfs is looked for. */
  readonly searchPath: string;
};

const gib = 1024 ** 3;

/**
 * The defaults. Level 3: on a Debian base system level 1 makes the image 5 % larger and saves a quarter of the
 * time, level 6 makes it 5 % smaller in twice the time.
 */
export const defaultConvertOptions: ConvertOptions = {
  limits: {
    maxEntries: 20_000_000,
    maxPathBytes: 2 * gib,
    maxContentBytes: 1024 * gib,
    maxInflation: 200,
    inflationGraceBytes: 4 * gib,
  },
  compressionLevel: 3,
  // More than these a single stream of content can't keep busy, and login nodes are shared.
  threads: Math.min(usableProcessors(), 8),
  xattrs: 'drop',
  searchPath: systemSearchPath,
};
