// SPDX-License-Identifier: Apache-2.0
// How `ch-run` speaks: `ch-run[PID]: error: TEXT: STRERROR (FILE:LINE ERRNO)`, one line each, on stderr. The place is
// where in the program it was found, so that a report tells developers where to look.
import { SlipwayError } from '../../model/index.ts';
import { errnoDetails } from '../../sys/system-error.ts';
import { printable } from '../terminal/printable.ts';
import { placeOf } from './source-place.ts';

export type Speaker = {
  /** A line of --verbose. */
  readonly note: (text: string) => void;
  readonly warn: (text: string) => void;
  readonly fail: (error: unknown) => void;
};

/**
 * @param program the command's name.
 * @param pid of the process that becomes the command, which is what people look for.
 * @param write takes whole lines.
 */
export function createSpeaker(
  program: string,
  pid: number,
  write: (level: 'note' | 'warning' | 'error', line: string) => void,
): Speaker {
  const say = (level: 'note' | 'warning' | 'error', text: string, about: unknown): void => {
    const cause = about instanceof Error ? (errnoDetails(about.cause) ?? errnoDetails(about)) : undefined;
    const errno =
      cause === undefined ? { text: '', number: '' } : { text: `: ${cause.text}`, number: ` ${cause.number}` };
    const word = level === 'note' ? '' : `${level}: `;
    write(level, `${program}[${pid}]: ${word}${printable(text)}${errno.text} (${placeOf(about)}${errno.number})\n`);
  };
  return {
    note: (text) => say('note', text, new Error(text)),
    warn: (text) => say('warning', text, new Error(text)),
    fail: (error) => {
      say('error', error instanceof Error ? error.message : String(error), error);
      if (error instanceof SlipwayError && error.hint !== undefined)
        write('error', `  hint: ${printable(error.hint)}\n`);
    },
  };
}
