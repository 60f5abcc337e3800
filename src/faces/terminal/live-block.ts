// SPDX-License-Identifier: Apache-2.0
// A few lines at the end of a terminal that are drawn again in place. The cursor rests below them, so whatever else is
// written after `clear` starts on a line of its own. Control sequences: ECMA-48 (CUU, EL, ED, SGR).
import type { OutputStream } from './environment.ts';
import { paint } from './paint.ts';
import { shorten } from './printable.ts';

export type BlockLine = { readonly text: string; readonly style?: 'dim' | 'bold' };

export type LiveBlock = {
  readonly draw: (lines: readonly BlockLine[]) => void;
  /** Takes the lines away. */
  readonly clear: () => void;
};

export function createLiveBlock(stream: OutputStream, hasColor: boolean): LiveBlock {
  let drawn: readonly number[] = [];
  const upToStart = (): string => {
    // A terminal made narrower since has wrapped the lines: they take more rows now.
    const { columns, rows } = stream.size();
    const height = drawn.reduce((sum, length) => sum + Math.max(1, Math.ceil(length / columns)), 0);
    return height === 0 ? '' : `\x1b[${Math.min(height, rows - 1)}A\r`;
  };
  return {
    draw: (lines) => {
      const { columns, rows } = stream.size();
      // One column is left free: a line that fills the row may or may not wrap. One row is the cursor's.
      const shown = lines.slice(0, rows - 1).map(({ text, style }) => ({ text: shorten(text, columns - 1), style }));
      const painted = shown.map(({ text, style }) => (style === undefined ? text : paint(text, style, hasColor)));
      stream.write(`${upToStart()}${painted.map((text) => `${text}\x1b[K\n`).join('')}\x1b[J`);
      drawn = shown.map(({ text }) => text.length);
    },
    clear: () => {
      if (drawn.length > 0) stream.write(`${upToStart()}\x1b[J`);
      drawn = [];
    },
  };
}
