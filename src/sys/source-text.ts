// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';

/** A file's text, or undefined where it can't be read: for what only makes a message better. */
export function readTextIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
