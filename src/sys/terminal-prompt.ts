// SPDX-License-Identifier: Apache-2.0
// Questions to the person at the terminal, whatever standard input is: passwords are not to come through pipes.
import { openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { attemptingSync } from './file-errors.ts';

export type TerminalQuestion = { readonly prompt: string; readonly isHidden: boolean };

const maxAnswerLength = 4096;

/** The answers, in order. @throws SlipwayError where there is no terminal; the signal's reason; Error at Ctrl-C */
export async function askOnTerminal(
  questions: readonly TerminalQuestion[],
  write: (text: string) => void,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const descriptor = attemptingSync('open the terminal', '/dev/tty', () => openSync('/dev/tty', 'r'));
  const input = new ReadStream(descriptor);
  const answers: string[] = [];
  // What was typed ahead, beyond the line that was asked for.
  const typed = { text: '' };
  try {
    for (const question of questions) answers.push(await askOne(input, question, { write, signal, typed }));
    return answers;
  } finally {
    input.setRawMode(false);
    input.destroy();
  }
}

/** In raw mode always: the terminal's own echo can't be had for one line and not for the next. */
async function askOne(
  input: ReadStream,
  { prompt, isHidden }: TerminalQuestion,
  context: {
    readonly write: (text: string) => void;
    readonly signal: AbortSignal;
    readonly typed: { text: string };
  },
): Promise<string> {
  const { write, signal, typed } = context;
  signal.throwIfAborted();
  input.setRawMode(true);
  input.setEncoding('utf8');
  write(prompt);
  return await new Promise<string>((resolve, reject) => {
    let text = '';
    const end = (settle: () => void): void => {
      input.off('data', onData);
      signal.removeEventListener('abort', onAbort);
      input.pause();
      write('\r\n');
      settle();
    };
    const onAbort = (): void => end(() => reject(signal.reason as Error));
    const onData = (chunk: string): void => {
      typed.text += chunk;
      while (typed.text !== '') {
        const character = String.fromCodePoint(typed.text.codePointAt(0) ?? 0);
        typed.text = typed.text.slice(character.length);
        if (character === '\r' || character === '\n') return end(() => resolve(text));
        if (character === '\u0003' || character === '\u0004') return end(() => reject(new Error('nothing was given')));
        if (character === '\u007F' || character === '\b') {
          if (text !== '' && !isHidden) write('\b \b');
          text = text.replace(/.$/u, '');
        } else if (text.length < maxAnswerLength && character >= ' ') {
          text += character;
          if (!isHidden) write(character);
        }
      }
    };
    signal.addEventListener('abort', onAbort, { once: true });
    input.on('data', onData as never);
    input.resume();
    onData('');
  });
}
