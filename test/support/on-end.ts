// SPDX-License-Identifier: Apache-2.0
// Cleaning up at the right time, wherever the helper that has something to clean up was called.
import { after, getTestContext } from 'node:test';

/**
 * Has `work` done at the end of the test, the suite or, outside of both, the file that is running. In a `before` hook
 * that is the suite's end: node:test's own `after` would do it as soon as the hook is over.
 */
export function onEnd(work: () => void | Promise<void>): void {
  const context = getTestContext();
  if (context !== undefined && 'after' in context) context.after(work);
  else after(work);
}
