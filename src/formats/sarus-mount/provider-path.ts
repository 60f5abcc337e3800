// SPDX-License-Identifier: Apache-2.0
// <FI_PROVIDER_PATH> in a --mount value: the directory where the container's libfabric looks for providers in files of
// their own (fi_provider(7)).
import { posix } from 'node:path';

export const providerWildcard = '<FI_PROVIDER_PATH>';

const fallback = '/usr/lib';
const libfabric = /libfabric\.so(?:\.[0-9]+)+$/;

/**
 * The directory: what the container's own variable says; else `libfabric` beside the library that its cache of libraries
 * names, where that is there; else /usr/lib.
 * @param cached the paths in the container's ld.so.cache, in order; undefined where nobody is to look there
 * @param isThere whether a path, followed inside the container's root, leads to something
 */
export function findProviderDirectory(given: {
  readonly variable: string | undefined;
  readonly cached: readonly string[] | undefined;
  readonly isThere: (path: string) => boolean;
}): string {
  const own = firstDirectory(given.variable ?? '');
  if (own !== undefined) return own;
  const library = given.cached?.find((path) => libfabric.test(path) && given.isThere(path));
  return library === undefined ? fallback : posix.join(posix.dirname(library), 'libfabric');
}

/** libfabric's variable is a colon list of directories, `@` before one that is preferred, `+` before a single file. */
function firstDirectory(list: string): string | undefined {
  return list
    .split(':')
    .filter((entry) => !entry.startsWith('+'))
    .map((entry) => entry.replace(/^@/, ''))
    .find((entry) => entry !== '');
}

/** `text` with the wildcard replaced, wherever it stands; the directory is taken as it is. */
export function withProviderDirectory(text: string, directory: () => string): string {
  return text.includes(providerWildcard) ? text.split(providerWildcard).join(directory()) : text;
}
