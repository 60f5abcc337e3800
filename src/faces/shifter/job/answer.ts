// SPDX-License-Identifier: Apache-2.0

/** A line of an answer. */
export type AnswerLine = {
  readonly word: 'env' | 'job' | 'secret' | 'root' | 'reason';
  readonly name: string;
  readonly value: string;
};

export function answerText(lines: readonly AnswerLine[]): string {
  return lines.map(({ word, name, value }) => `${word} ${name}=${value}\n`).join('');
}
