// SPDX-License-Identifier: Apache-2.0
// What people type. A secret is read with the terminal's echo off, and the terminal is left as it was, whatever happens.
import type { ReadStream } from 'node:tty';

/** Where a person, or a pipe, answers. */
export type InputStream = {
  readonly isTerminal: boolean;
  /** All of a pipe; undefined where it is more than `maxBytes`. */
  readonly readAll: (maxBytes: number, signal: AbortSignal) => Promise<Buffer | undefined>;
  /**
   * One line from a terminal, without its end; undefined where the input ends before. Nothing of a hidden one is shown:
   * `prompt` is called when that is certain, as people, and programs, answer a question at once. Ctrl-C is raised as SIGINT.
   */
  readonly readLine: (options: LineQuestion, signal: AbortSignal) => Promise<string | undefined>;
};

export type LineQuestion = {
  readonly isHidden: boolean;
  readonly maxBytes: number;
  readonly prompt: () => void;
};

type Keys = { readonly line: Buffer; readonly end?: 'line' | 'input' | 'interrupt' };

const [interrupt, endOfInput, backspace, newline, carriageReturn, eraseLine, del] = [3, 4, 8, 10, 13, 21, 127];

/**
 * Applies keys to a line as a terminal in its usual mode does (termios(3), ICANON): DEL and backspace erase a character,
 * Ctrl-U the line, Ctrl-D ends an empty one.
 */
export function afterKeys(line: Buffer, keys: Buffer): Keys {
  let current = line;
  for (const key of keys) {
    if (key === newline || key === carriageReturn) return { line: current, end: 'line' };
    if (key === interrupt) return { line: Buffer.alloc(0), end: 'interrupt' };
    if (key === endOfInput) {
      if (current.length === 0) return { line: current, end: 'input' };
    } else if (key === del || key === backspace) {
      current = withoutLastCharacter(current);
    } else if (key === eraseLine) current = Buffer.alloc(0);
    else if (key >= 32) current = Buffer.concat([current, Buffer.of(key)]);
  }
  return { line: current };
}

/** A character of UTF-8 goes on in bytes that begin with 10. */
function withoutLastCharacter(line: Buffer): Buffer {
  let end = line.length - 1;
  while (end > 0 && ((line[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return line.subarray(0, Math.max(end, 0));
}

/** Of a file or a pipe isTTY is undefined, whatever its type says. */
export function inputStream(
  stream: Omit<ReadStream, 'isTTY'> & { readonly isTTY?: boolean },
  raise: (signal: 'SIGINT') => void,
): InputStream {
  return {
    isTerminal: stream.isTTY ?? false,
    readAll: async (maxBytes, signal) => {
      const chunks: Buffer[] = [];
      let length = 0;
      for await (const chunk of stream.iterator({ destroyOnReturn: true }) as AsyncIterable<Buffer>) {
        signal.throwIfAborted();
        length += chunk.length;
        if (length > maxBytes) return undefined;
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    },
    readLine: async ({ isHidden, maxBytes, prompt }, signal) => {
      signal.throwIfAborted();
      // Raw, as Node has no other way to switch the echo off; what the terminal would do with a line is done here.
      if (isHidden) stream.setRawMode(true);
      try {
        return await new Promise<string | undefined>((resolve, reject) => {
          let line: Buffer = Buffer.alloc(0);
          const finish = (end: () => void): void => {
            stream.off('data', onData).off('end', onEnd);
            signal.removeEventListener('abort', onAbort);
            stream.pause();
            end();
          };
          const onAbort = (): void => finish(() => reject(signal.reason));
          const onEnd = (): void => finish(() => resolve(undefined));
          const onData = (keys: Buffer): void => {
            const after = afterKeys(line, keys);
            line = after.line;
            if (after.end === 'interrupt') raise('SIGINT');
            else if (after.end === 'input') finish(() => resolve(undefined));
            else if (after.end === 'line' || line.length > maxBytes) finish(() => resolve(line.toString('utf8')));
          };
          signal.addEventListener('abort', onAbort, { once: true });
          // A stream that was paused by hand is not started by a listener.
          stream.on('data', onData).on('end', onEnd).resume();
          prompt();
        });
      } finally {
        if (isHidden) stream.setRawMode(false);
      }
    },
  };
}
