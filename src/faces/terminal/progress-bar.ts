// SPDX-License-Identifier: Apache-2.0
import { formatDuration, formatSize } from './units.ts';

export type Measure = {
  readonly doneBytes: number;
  /** 0 if not known. */
  readonly totalBytes: number;
  readonly bytesPerSecond?: number | undefined;
};

const labelWidth = 12;
const widestBar = 40;
const narrowestBar = 8;

/** `LABEL  ━━━━━━──────  61%  12.3 MiB / 48.1 MiB  4.2 MiB/s  9s`, with what fits into `width`. */
export function progressLine(label: string, measure: Measure, width: number, isUnicode: boolean): string {
  const { doneBytes, totalBytes, bytesPerSecond } = measure;
  const fraction = totalBytes <= 0 ? 0 : Math.min(1, Math.max(0, doneBytes / totalBytes));
  const percent = totalBytes <= 0 ? '    ' : `${Math.floor(fraction * 100)}%`.padStart(4);
  const sizes = totalBytes <= 0 ? formatSize(doneBytes) : `${formatSize(doneBytes)} / ${formatSize(totalBytes)}`;
  const hasRate = bytesPerSecond !== undefined && bytesPerSecond > 0;
  const rate = hasRate ? `${formatSize(bytesPerSecond)}/s` : '';
  const isEndKnown = hasRate && totalBytes > doneBytes;
  const left = isEndKnown
    ? formatDuration(Math.ceil((totalBytes - doneBytes) / bytesPerSecond) * 1000).replace('.0s', 's')
    : '';

  const head = `  ${label.padEnd(labelWidth)}  `;
  const figures = [`${percent}  ${sizes.padStart(19)}`, rate.padStart(10), left.padStart(6)];
  // What matters least goes first when the terminal is narrow.
  for (let count = figures.length; count > 0; count -= 1) {
    const tail = `  ${figures.slice(0, count).join('  ')}`;
    const room = Math.min(widestBar, width - head.length - tail.length);
    if (room >= narrowestBar) return `${head}${bar(fraction, room, isUnicode)}${tail}`.trimEnd();
  }
  return `${head}${percent}  ${sizes}`;
}

/** A line of the same shape for what has no progress: `LABEL  waiting … 48.1 MiB`. */
export function noteLine(label: string, note: string): string {
  return `  ${label.padEnd(labelWidth)}  ${note}`;
}

function bar(fraction: number, width: number, isUnicode: boolean): string {
  const full = Math.floor(fraction * width);
  const [done, open] = isUnicode ? ['━', '─'] : ['#', '-'];
  return done.repeat(full) + open.repeat(width - full);
}
