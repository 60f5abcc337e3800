// SPDX-License-Identifier: Apache-2.0
// How errors of the parts below name the layer that they come from, and how names from an archive are shown.
import { SlipwayError, hasCode } from '../../model/index.ts';

/** The error as it concerns a layer: what the archive and the decompressors report becomes `layer-unreadable`. */
export function inLayer(layer: string, error: unknown): unknown {
  if (hasCode(error, 'tar-malformed', 'zstd-malformed')) {
    return new SlipwayError('layer-unreadable', { layer, reason: error.message }, { cause: error });
  }
  if (isZlibError(error)) {
    const reason = `its compressed data are damaged: ${error.message}`;
    return new SlipwayError('layer-unreadable', { layer, reason }, { cause: error });
  }
  return error;
}

function isZlibError(error: unknown): error is Error {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    /^(?:Z_|ZSTD_|ERR_ZLIB)/.test(error.code)
  );
}

/** Why an entry can't be part of a tree; whoever knows the layer and the entry makes `layer-entry-refused` of it. */
export class RefusedName extends Error {}

/** A name of one character a byte, as people can read it on one line. */
export function showName(name: string): string {
  const text = Buffer.from(name, 'latin1').toString();
  const plain = text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '?');
  return plain.length > 200 ? `${plain.slice(0, 200)}…` : plain;
}
