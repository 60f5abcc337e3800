// SPDX-License-Identifier: Apache-2.0
// What wrapping says while it goes on.

import type { PullEvent } from '../model/index.ts';

export type WrapEvent =
  | { readonly type: 'info' | 'debug' | 'warning'; readonly text: string }
  | { readonly type: 'build-directory'; readonly path: string }
  /** What an installer or a script says, as it comes. */
  | { readonly type: 'output'; readonly text: string; readonly stream: 'stdout' | 'stderr' }
  | { readonly type: 'stage'; readonly text: string }
  /** Of an image that has to be fetched first. */
  | { readonly type: 'pull'; readonly event: PullEvent }
  /** `files` is not known of an image that is converted. */
  | { readonly type: 'image-progress'; readonly files: number | undefined; readonly contentBytes: number }
  | {
      readonly type: 'image-written';
      readonly path: string;
      readonly files: number;
      readonly contentBytes: number;
      readonly sizeBytes: number;
    };
