// SPDX-License-Identifier: Apache-2.0
import { dirname } from 'node:path';

/** Where this Slipway is installed: above the directory of the launcher that started this; undefined where none did. */
export function installationPrefix(): string | undefined {
  const launcher = process.argv.find((word, index) => index >= 2 && word.startsWith('--launcher='));
  return launcher === undefined ? undefined : dirname(dirname(launcher.slice('--launcher='.length)));
}
