// SPDX-License-Identifier: Apache-2.0
// Options that several commands about images share, read from their words.
import type { CommandDescription } from '../../formats/getopt/index.ts';
import type { ConvertOptions, LayerCompression } from '../../image/index.ts';
import type { Platform } from '../../model/index.ts';
import { usableProcessors, widenThreadPool } from '../../sys/process.ts';
import { machinePlatform, parsePlatform } from './platform.ts';
import { usageError } from './read-command-line.ts';

const layerCompressions: readonly LayerCompression[] = ['gzip', 'zstd', 'none'];
// More would gain little and disturb the other users of a login node.
const mostThreads = 8;

/** For decompression, files and names. */
const threadsBesideCompression = 2;

/** How many blocks are compressed at once; makes room for them in Node's thread pool, so call it before any waiting. */
export function usedThreads(): number {
  const threads = Math.min(usableProcessors(), mostThreads);
  widenThreadPool(threads + threadsBesideCompression);
  return threads;
}

/** Each takes an option's argument, undefined where it was not given, and throws SlipwayError `usage`. */
export type ImageOptions = {
  readonly platform: (text: string | undefined) => Platform;
  readonly owner: (text: string | undefined) => ConvertOptions['owner'];
  readonly layerCompression: (text: string | undefined) => LayerCompression;
  readonly oneOf: <Word extends string>(
    option: string,
    text: string | undefined,
    words: readonly Word[],
  ) => Word | undefined;
  readonly count: (option: string, text: string | undefined, most: number) => number | undefined;
};

export function imageOptions(command: CommandDescription): ImageOptions {
  const refuse = (reason: string): never => {
    throw usageError(command, reason);
  };
  const oneOf: ImageOptions['oneOf'] = (option, text, words) => {
    if (text === undefined) return undefined;
    return words.find((word) => word === text) ?? refuse(`--${option}: "${text}" is none of ${words.join(', ')}`);
  };
  return {
    oneOf,
    platform: (text) => {
      if (text === undefined) return machinePlatform(process.arch);
      return parsePlatform(text) ?? refuse(`--platform: "${text}" is not OS/ARCH[/VARIANT], e.g. linux/arm64`);
    },
    owner: (text) => {
      if (text === undefined) return 'keep';
      const match = /^([0-9]{1,10}):([0-9]{1,10})$/.exec(text);
      const [uid, gid] = [Number(match?.[1]), Number(match?.[2])];
      const isId = (id: number): boolean => id >= 0 && id < 2 ** 32 - 1;
      return isId(uid) && isId(gid) ? { uid, gid } : refuse(`--owner: "${text}" is not UID:GID`);
    },
    layerCompression: (text) => oneOf('layer-compression', text, layerCompressions) ?? 'gzip',
    count: (option, text, most) => {
      if (text === undefined) return undefined;
      const value = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
      return value >= 1 && value <= most ? value : refuse(`--${option}: "${text}" is no number from 1 to ${most}`);
    },
  };
}
