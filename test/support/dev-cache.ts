// SPDX-License-Identifier: Apache-2.0
// Where tests keep what is dear to make and the same every time (images, an installed tree); scripts/make-image
// shares it. Only its owner may write there: names in /var/tmp can be guessed.
import { lstatSync, mkdirSync } from 'node:fs';

/** The cache directory, there and ours. */
export function devCache(): string {
  const uid = process.getuid?.() ?? 0;
  const path = process.env['SLIPWAY_DEV_CACHE'] ?? `/var/tmp/slipway-dev-${uid}`;
  mkdirSync(path, { recursive: true, mode: 0o755 });
  const status = lstatSync(path);
  if (!status.isDirectory() || status.uid !== uid || (status.mode & 0o022) !== 0) {
    throw new Error(`${path} is not a directory that only you can write; please remove it`);
  }
  return path;
}
