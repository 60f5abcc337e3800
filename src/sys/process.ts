// SPDX-License-Identifier: Apache-2.0
// Child processes: an argument array (never a shell), an environment that is spelled out, no descriptor inherited but
// the three standard ones, and a lifetime that ends with the work that asked for it. For programs that streams are exchanged with; run-program.ts is for
// short questions and answers.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { attempting } from './file-errors.ts';

/** Where the system's own programs are: what is searched where nobody says otherwise. */
export const systemSearchPath: string = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export type ChildOptions = {
  /** The program's absolute path, then its arguments. */
  readonly argv: readonly [string, ...string[]];
  /** All of the child's environment, beyond PATH and LC_ALL=C, which it may override. */
  readonly env?: Readonly<Record<string, string>>;
  /** `/` unless said otherwise. */
  readonly directory?: string;
  /** What becomes of standard output: `pipe` gives it to be read, which must be done; the default discards it. */
  readonly stdout?: 'ignore' | 'pipe' | 'inherit';
  /** How much of the end of standard error is kept; 4096 bytes unless said otherwise. */
  readonly stderrTailBytes?: number;
  /** Whether the child leads a session of its own: a signal to this process's group is then not for it. */
  readonly hasOwnSession?: boolean;
  /** Kills the child when aborted. */
  readonly signal: AbortSignal;
};

/** How a child ended. */
export type ChildEnd = {
  /** Exit status; undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly signalName: string | undefined;
  /** The end of what it said on standard error, without control characters but newline and tab, trimmed. */
  readonly stderrTail: string;
};

export type Child = {
  readonly stdin: Writable;
  /** Empty where `stdout` was not asked for. */
  readonly stdout: Readable | undefined;
  /** Resolves when the child is gone and its output read; never rejects. */
  readonly ended: Promise<ChildEnd>;
};

/**
 * Starts a program, runs `use` with it, and returns when both are over. Whatever ends `use` early, the child is killed
 * (SIGKILL) and waited for before this rejects.
 * @throws the signal's reason when it was aborted; `toFileError`'s when the program can't be started; else what `use` throws.
 */
export async function withChild<Result>(
  options: ChildOptions,
  use: (child: Child) => Promise<Result>,
): Promise<{ readonly result: Result; readonly end: ChildEnd }> {
  const { signal } = options;
  signal.throwIfAborted();
  const [program, ...args] = options.argv;
  if (!isAbsolute(program)) throw new Error(`a program is started by its absolute path, not as ${program}`);
  const child = spawn(program, args, {
    cwd: options.directory ?? '/',
    env: { PATH: systemSearchPath, LC_ALL: 'C', ...options.env },
    stdio: ['pipe', options.stdout ?? 'ignore', 'pipe'],
    shell: false,
    detached: options.hasOwnSession ?? false,
  }) as ChildProcessByStdio<Writable, Readable | null, Readable>;
  const kill = (): void => void child.kill('SIGKILL');
  const ended = watch(child, options.stderrTailBytes ?? 4096);
  // A child that stops reading breaks the pipe; whoever writes learns that from its write.
  child.stdin.on('error', () => undefined);
  signal.addEventListener('abort', kill, { once: true });
  try {
    await attempting('start the program', program, () => started(child));
    const result = await use({ stdin: child.stdin, stdout: child.stdout ?? undefined, ended });
    child.stdin.end();
    const end = await ended;
    signal.throwIfAborted();
    return { result, end };
  } catch (error) {
    kill();
    child.stdout?.destroy();
    await ended;
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

/** On how many processors this process may run: what sched_getaffinity(2) and its control group leave it. */
export function usableProcessors(): number {
  return availableParallelism();
}

/**
 * Makes room for `count` pieces of work at once in Node's thread pool, which files, (de)compression and names share. It has
 * 4 threads else, and gets no more once it has been used: to be called before anything is awaited.
 */
export function widenThreadPool(count: number): void {
  process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(4, count));
}

/** The first executable file of this name in a colon-separated list of absolute directories, or undefined. */
export async function findProgram(name: string, searchPath: string): Promise<string | undefined> {
  for (const directory of searchPath.split(delimiter)) {
    // An empty or relative member means the working directory, which is not to be trusted.
    if (!isAbsolute(directory)) continue;
    const path = join(directory, name);
    try {
      await access(path, constants.X_OK);
      if ((await stat(path)).isFile()) return path;
    } catch {
      // Not here, or not for us: the next one may do.
    }
  }
  return undefined;
}

/** Writes a chunk and waits until the child's pipe has taken it; rejects when the pipe breaks. */
export async function writeTo(stdin: Writable, chunk: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stdin.write(chunk, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function started(child: ChildProcessByStdio<Writable, Readable | null, Readable>): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
}

function watch(child: ChildProcessByStdio<Writable, Readable | null, Readable>, tailBytes: number): Promise<ChildEnd> {
  let tail: Buffer = Buffer.alloc(0);
  child.stderr.on('data', (chunk: Buffer) => {
    tail = Buffer.concat([tail, chunk]);
    if (tail.length > tailBytes) tail = tail.subarray(tail.length - tailBytes);
  });
  return new Promise((resolve) => {
    const finish = (status: number | null, signalName: string | null): void => {
      const stderrTail = tail
        .toString()
        .replaceAll(/[^\P{Cc}\n\t]/gu, '')
        .trim();
      resolve({ status: status ?? undefined, signalName: signalName ?? undefined, stderrTail });
    };
    child.once('close', finish);
    // A program that could not be started never closes.
    child.once('error', () => {
      if (child.pid === undefined) finish(null, null);
    });
  });
}
