// SPDX-License-Identifier: Apache-2.0
// Temporary directories that go with the test that asked for them.
import { mkdtempSync, rmSync } from 'node:fs';
import { onEnd } from './on-end.ts';

/**
 * An empty directory (mode 0700) below /tmp, removed with all it holds after the suite, or the test, that called this.
 * The path is short: a Unix socket's may have 107 bytes.
 */
export function temporaryDirectory(): string {
  const path = mkdtempSync('/tmp/slipway-test-');
  onEnd(() => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
  return path;
}
