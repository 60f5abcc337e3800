// SPDX-License-Identifier: Apache-2.0
// How `ch-run` speaks: `ch-run[PID]: error: TEXT: STRERROR (FILE:LINE ERRNO)`, one line each, on stderr. The place is
// where in the program it was found, so that a report tells developers where to look.
import { SlipwayError } from '../../model/index.ts';
import { errnoDetails } from '../../sys/system-error.ts';
import { printable } from '../terminal/printable.ts';
import { placeOf } from './source-place.ts';

/** From what only `-vvv` shows to what is always shown. */
export type Level = 'trace' | 'debug' | 'verbose' | 'info' | 'warning' | 'error';

export type Speaker = {
  /** A line that is shown from this level on; a warning or an error has its word before it. */
  readonly say: (level: Exclude<Level, 'error'>, text: string) => void;
  /** A line of --verbose. */
  readonly note: (text: string) => void;
  readonly warn: (text: string) => void;
  readonly fail: (error: unknown) => void;
  /** What is said from now on has to be this loud: from -3, the most quiet, to 3. */
  readonly heed: (verbosity: number) => void;
};

/** The least verbosity at which a line of each level is shown. */
const shownFrom: Readonly<Record<Level, number>> = { trace: 3, debug: 2, verbose: 1, info: 0, warning: -1, error: -3 };

/**
 * @param program the command's name.
 * @param pid of the process that becomes the command, which is what people look for.
 * @param write takes whole lines, of what is loud enough.
 */
export function createSpeaker(program: string, pid: number, write: (level: Level, line: string) => void): Speaker {
  let verbosity = 0;
  const say = (level: Level, text: string, about: unknown): void => {
    if (shownFrom[level] > verbosity) return;
    const cause = about instanceof Error ? (errnoDetails(about.cause) ?? errnoDetails(about)) : undefined;
    const errno =
      cause === undefined ? { text: '', number: '' } : { text: `: ${cause.text}`, number: ` ${cause.number}` };
    const word = level === 'warning' || level === 'error' ? `${level}: ` : '';
    write(level, `${program}[${pid}]: ${word}${printable(text)}${errno.text} (${placeOf(about)}${errno.number})\n`);
  };
  return {
    say: (level, text) => say(level, text, new Error(text)),
    note: (text) => say('verbose', text, new Error(text)),
    warn: (text) => say('warning', text, new Error(text)),
    fail: (error) => {
      say('error', error instanceof Error ? error.message : String(error), error);
      if (error instanceof SlipwayError && error.hint !== undefined)
        write('error', `  hint: ${printable(error.hint)}\n`);
    },
    heed: (now) => {
      verbosity = now;
    },
  };
}

const keptWarningBytes = 4096;

/** The warnings once more, as ch-run shows them at its end: as many as its memory of them holds. */
export function repeatedWarnings(program: string, pid: number, warnings: readonly string[]): readonly string[] {
  let roomBytes = keptWarningBytes;
  const kept = warnings.filter((line) => {
    roomBytes -= Buffer.byteLength(line);
    return roomBytes >= 0;
  });
  return kept.length === 0
    ? []
    : [`${program}[${pid}]: warning: reprinting first ${kept.length} warning(s)\n`, ...kept];
}
