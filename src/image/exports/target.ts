// SPDX-License-Identifier: Apache-2.0
// Where a conversion's result goes, from what a person writes.
import type { Compression } from '../../formats/compression/index.ts';
import { SlipwayError } from '../../model/index.ts';

export const targetFormats = ['directory', 'squashfs', 'tar', 'oci', 'oci-archive', 'docker-archive', 'dir'] as const;
export type TargetFormat = (typeof targetFormats)[number];

export type ConvertTarget = {
  readonly format: TargetFormat;
  readonly path: string;
  /** Of the file: of a tar archive, of an archive of an image. */
  readonly compression: Compression;
  /** The image's tag or name in an OCI layout or a docker archive. */
  readonly name?: string;
};

const compressions: readonly (readonly [RegExp, Compression])[] = [
  [/\.(?:tar\.gz|tgz)$/, 'gzip'],
  [/\.(?:tar\.(?:zst|zstd)|tzst)$/, 'zstd'],
  [/\.(?:tar\.xz|txz)$/, 'xz'],
  [/\.(?:tar\.bz2|tbz2?)$/, 'bzip2'],
];
const squashfsSuffix = /\.(?:squashfs|sqfs|sqsh|squash)$/;
const tarSuffix = /\.tar$/;
const named: ReadonlySet<TargetFormat> = new Set<TargetFormat>(['oci', 'oci-archive', 'docker-archive']);

/**
 * Reads `FORMAT:PATH[:NAME]`, or a path whose ending says the format; without an ending, and with a slash at the end,
 * a directory is meant.
 * @param format what was said otherwise, which decides
 * @throws SlipwayError `target-unknown`
 */
export function parseTarget(text: string, format?: TargetFormat): ConvertTarget {
  const fail = (reason: string): never => {
    throw new SlipwayError('target-unknown', { target: text.slice(0, 300), reason });
  };
  const prefix = /^([a-z-]+):(.*)$/s.exec(text);
  const said = targetFormats.find((each) => each === prefix?.[1]);
  const rest = said === undefined ? text : (prefix?.[2] ?? '');
  if (
    said === undefined &&
    prefix !== null &&
    /^(?:docker|sif|docker-daemon|containers-storage)$/.test(prefix[1] ?? '')
  ) {
    return fail(prefix[1] === 'docker' ? 'slipway push brings images to registries' : `${prefix[1]} is read only`);
  }
  const chosen = format ?? said;
  const isNamed = chosen !== undefined && named.has(chosen);
  const colon = isNamed ? rest.indexOf(':') : -1;
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const name = colon < 0 ? '' : rest.slice(colon + 1);
  if (path === '') return fail('the path is missing');
  const compression = compressions.find(([suffix]) => suffix.test(path))?.[1] ?? 'none';
  return {
    format: chosen ?? guessFormat(path, compression) ?? fail('its ending is not known'),
    path,
    compression,
    ...(name === '' ? {} : { name }),
  };
}

function guessFormat(path: string, compression: Compression): TargetFormat | undefined {
  if (path.endsWith('/')) return 'directory';
  if (squashfsSuffix.test(path)) return 'squashfs';
  if (compression !== 'none' || tarSuffix.test(path)) return 'tar';
  if (/\.(?:sif|simg|zip|img|iso|gz|zst|xz|bz2)$/.test(path)) return undefined;
  return 'directory';
}
