// SPDX-License-Identifier: Apache-2.0
import { styleText } from 'node:util';

export type Paint = 'dim' | 'bold' | 'green' | 'yellow' | 'red';

/** `text` in a style, or as it is where the terminal has no colour. */
export function paint(text: string, style: Paint, hasColor: boolean): string {
  // Whether the stream can show it has been decided by the caller, for a stream that Node may not know.
  return hasColor ? styleText(style, text, { validateStream: false }) : text;
}
