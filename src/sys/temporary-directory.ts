// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attempting } from './file-errors.ts';

/** Runs `work` with a new directory, mode 0700, below TMPDIR; it is removed with all that is in it. */
export async function withTemporaryDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const base = tmpdir();
  const directory = await attempting('make a directory in', base, () => mkdtemp(join(base, 'slipway-')));
  try {
    return await work(directory);
  } finally {
    await attempting('remove', directory, () => rm(directory, { recursive: true, force: true }));
  }
}
