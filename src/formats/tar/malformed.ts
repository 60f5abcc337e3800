// SPDX-License-Identifier: Apache-2.0
import { SlipwayError } from '../../model/index.ts';

/** What the parsers of this folder throw: the reader adds the offset that they don't know. */
class Malformed extends Error {}

/** @throws Malformed always. */
export function malformed(reason: string): never {
  throw new Malformed(reason);
}

/** A Malformed as people meet it; every other error as it is. */
export function atOffset(error: unknown, offset: number): unknown {
  return error instanceof Malformed ? new SlipwayError('tar-malformed', { offset, reason: error.message }) : error;
}
