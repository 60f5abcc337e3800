// SPDX-License-Identifier: Apache-2.0
// What every way to make an image is told, and what it tells.
import type { Emit, PullEvent } from '../../model/index.ts';
import type { ConvertOptions } from './options.ts';

export type ImageOrder = {
  /** What is converted, for errors: a reference, a path. */
  readonly name: string;
  /** Absolute; must not exist yet. The caller renames it to where readers look. */
  readonly outputPath: string;
  readonly options: ConvertOptions;
  /** `warning`s with counts, `converting` once the merged tree is known, `convert-progress`. */
  readonly emit: Emit<PullEvent>;
  readonly signal: AbortSignal;
};

export type ConversionResult = {
  /** Files, directories and the rest in the image, its root included. */
  readonly entries: number;
  /** Bytes of its files; hard-linked ones count once. */
  readonly contentBytes: number;
  /** Of the squashfs file. */
  readonly sizeBytes: number;
};
