// SPDX-License-Identifier: Apache-2.0
// mksquashfs's words for how an image is compressed, as configuration files have them in sqfs_options.
import type { Compressor } from '../image/index.ts';

export type ImageOptions = {
  readonly compressor: Compressor;
  readonly blockSizeBytes: number;
  /** Words that mean nothing here. */
  readonly ignored: readonly string[];
};

const levels = { zstd: 3, gzip: 9 } as const;
/** Words that are so in any case, or that are for mksquashfs's own ways. */
const harmless = new Map([
  ['-noappend', 0],
  ['-no-progress', 0],
  ['-quiet', 0],
  ['-all-root', 0],
  ['-mem', 1],
  ['-processors', 1],
  ['-read-queue', 1],
  ['-write-queue', 1],
]);

/** Reads the words. Default: zstd level 3 in blocks of 128 KiB, which reads as fast as it is small. */
export function readImageOptions(words: readonly string[]): ImageOptions {
  let compression: 'zstd' | 'gzip' = 'zstd';
  let level: number | undefined;
  let blockSizeBytes = 128 << 10;
  const ignored: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const value = words[at + 1] ?? '';
    if (word === '-comp' && (value === 'zstd' || value === 'gzip')) {
      compression = value;
      at += 1;
    } else if (word === '-Xcompression-level' && /^\d{1,2}$/.test(value)) {
      level = Number(value);
      at += 1;
    } else if (word === '-b' && sizeOf(value) !== undefined) {
      blockSizeBytes = sizeOf(value) ?? blockSizeBytes;
      at += 1;
    } else if (harmless.has(word)) {
      at += harmless.get(word) ?? 0;
    } else {
      ignored.push(word);
    }
  }
  const most = compression === 'zstd' ? 19 : 9;
  return {
    compressor: { compression, level: Math.max(1, Math.min(level ?? levels[compression], most)) },
    blockSizeBytes,
    ignored,
  };
}

function sizeOf(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,9})([KkMm]?)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const bytes = Number(digits) * (unit === '' || unit === undefined ? 1 : /k/i.test(unit) ? 1 << 10 : 1 << 20);
  return bytes >= 4096 && bytes <= 1 << 20 && (bytes & (bytes - 1)) === 0 ? bytes : undefined;
}
