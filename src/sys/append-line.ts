// SPDX-License-Identifier: Apache-2.0
import { appendFileSync } from 'node:fs';

/** Appends to a file in one write, and makes it where it is missing. @throws the system's errors */
export function appendLine(path: string, line: string): void {
  appendFileSync(path, `${line}\n`, { mode: 0o644 });
}

/** Seconds since some moment of the machine's, and nanoseconds beyond them. */
export function monotonicTime(): { readonly seconds: bigint; readonly nanoseconds: bigint } {
  const now = process.hrtime.bigint();
  return { seconds: now / 1_000_000_000n, nanoseconds: now % 1_000_000_000n };
}
