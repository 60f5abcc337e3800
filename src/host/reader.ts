// SPDX-License-Identifier: Apache-2.0
// How an examination looks at a machine. Everything it learns comes through a HostReader, so that a test can show it
// any machine; `thisMachine` is the real one.
import { readFileIfPresent } from '../sys/files.ts';
import { findProgram, systemSearchPath } from '../sys/process.ts';
import { runProgram } from '../sys/run-program.ts';
import {
  type FileStatus,
  type FileSystemStatus,
  fileSystemOf,
  isAccessible,
  kernelIdentity,
  statusOf,
} from '../sys/this-machine.ts';

export type HostReader = {
  readonly uid: number;
  /** As the user has it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `uname -r`, and the architecture as Node names it. */
  readonly kernel: { readonly release: string; readonly architecture: string };
  /** Undefined where there is none, or it can't be read. At most 1 MiB is read. */
  readonly readText: (path: string) => Promise<string | undefined>;
  readonly status: (path: string) => Promise<FileStatus | undefined>;
  readonly isAccessible: (path: string, how: 'read-write' | 'execute') => Promise<boolean>;
  readonly fileSystem: (path: string) => Promise<FileSystemStatus | undefined>;
  /** The first of this name in the absolute directories of `searchPath`, written like PATH. */
  readonly findProgram: (name: string, searchPath: string) => Promise<string | undefined>;
  /**
   * Runs a short program with PATH and LANG only; `output` is all that it says, on stdout and stderr. A program that
   * can't be run has status 127 and the reason.
   */
  readonly run: (argv: readonly [string, ...string[]]) => Promise<{ readonly status: number; readonly output: string }>;
};

/** The machine that this runs on, for the user and environment given. */
export function thisMachine(options: {
  readonly uid: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}): HostReader {
  // A user's PATH may lack what the examination itself needs.
  const path = `${options.environment['PATH'] ?? ''}:${systemSearchPath}`;
  return {
    uid: options.uid,
    environment: options.environment,
    kernel: kernelIdentity(),
    readText: (file) =>
      readFileIfPresent(file, { maxBytes: 1 << 20 }).then(
        (bytes) => bytes?.toString('utf8'),
        () => undefined,
      ),
    status: statusOf,
    isAccessible,
    fileSystem: fileSystemOf,
    findProgram,
    run: async (argv) => {
      try {
        const { exitStatus, output } = await runProgram({
          argv,
          environment: { PATH: path, LANG: 'C.UTF-8' },
          mergesErrors: true,
          maxOutputBytes: 64 * 1024,
          timeoutMs: 5000,
          signal: options.signal,
        });
        return { status: exitStatus, output: output.toString('utf8') };
      } catch (error) {
        options.signal.throwIfAborted();
        return { status: 127, output: error instanceof Error ? error.message : String(error) };
      }
    },
  };
}
