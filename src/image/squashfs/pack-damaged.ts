// SPDX-License-Identifier: Apache-2.0
import { SlipwayError } from '../../model/index.ts';

/** @throws SlipwayError `layer-pack-damaged` */
export function damaged(pack: { readonly path: string }, reason: string, cause?: unknown): never {
  throw new SlipwayError('layer-pack-damaged', { path: pack.path, reason }, { cause });
}
