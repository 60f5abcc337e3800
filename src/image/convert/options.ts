// SPDX-License-Identifier: Apache-2.0
// What a caller may choose about an image that is written, and what holds where it does not.
import { usableProcessors } from '../../sys/process.ts';
import type { Compressor } from '../squashfs/index.ts';

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
  /** How the squashfs is compressed. */
  readonly compressor: Compressor;
  /** Of the squashfs: a power of two, 4 KiB to 1 MiB. */
  readonly blockSizeBytes: number;
  /** How many blocks are compressed at once. */
  readonly threads: number;
  /**
   * `drop`: no extended attribute is kept. `keep`: `user.*` and `security.capability` are; others (ACLs, SELinux
   * labels, overlayfs marks) describe the machine that an image was built on and never are.
   */
  readonly xattrs: 'drop' | 'keep';
  /** `keep`, or the owner that every file gets. */
  readonly owner: 'keep' | { readonly uid: number; readonly gid: number };
  /** `readable`: as after `chmod a+rX,u+w`, so that everyone may use what only its owner was to read. */
  readonly permissions: 'keep' | 'readable';
  /** Seconds since the epoch: later times become this one. Undefined keeps them. */
  readonly maxMtimeSec?: number;
  /** `add`: what an image must have to be launched from read-only, see `addSkeleton`. `none`: the tree as it is. */
  readonly skeleton: 'add' | 'none';
  /** Whether `.wh.` names remove files of lower layers, or are names like any other. */
  readonly whiteouts: 'apply' | 'literal';
  /** `strip`: where all is in one directory, that directory becomes the root. */
  readonly topDirectory: 'keep' | 'strip';
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
  compressor: { compression: 'zstd', level: 3 },
  blockSizeBytes: 128 * 1024,
  // More than these a single stream of content can't keep busy, and login nodes are shared.
  threads: Math.min(usableProcessors(), 8),
  xattrs: 'drop',
  owner: 'keep',
  permissions: 'keep',
  skeleton: 'add',
  whiteouts: 'apply',
  topDirectory: 'keep',
};
