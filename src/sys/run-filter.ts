// SPDX-License-Identifier: Apache-2.0
// A small piece of data through a program, at once: for a parser that can't wait. Each piece costs the start of a process.
import { spawnSync } from 'node:child_process';

/**
 * What a program writes for `input`.
 * @param argv the program's absolute path, then its arguments
 * @throws Error with a plain reason: it can't be started, fails, writes more than `maxOutputBytes`
 */
export function runFilter(argv: readonly [string, ...string[]], input: Buffer, maxOutputBytes: number): Buffer {
  const [program, ...words] = argv;
  const { status, stdout, error } = spawnSync(program, words, {
    input,
    env: { LC_ALL: 'C' },
    maxBuffer: maxOutputBytes,
    stdio: ['pipe', 'pipe', 'ignore'],
    cwd: '/',
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ended with status ${status ?? 'of a signal'}`);
  return stdout;
}
