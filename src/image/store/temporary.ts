// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { temporaryName } from '../../sys/process-identity.ts';
import { temporaryDirectory } from './layout.ts';

/** A path in the store's `tmp` that nobody else has; swept away once this process has ended. */
export function temporaryPath(store: string): string {
  return join(temporaryDirectory(store), temporaryName());
}
