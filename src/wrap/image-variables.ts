// SPDX-License-Identifier: Apache-2.0

const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The variables of an image (`NAME=VALUE`), with the usual PATH where it has none. */
export function imageVariables(environment: readonly string[]): Readonly<Record<string, string>> {
  const own = environment.flatMap((line) => {
    const at = line.indexOf('=');
    return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
  });
  return { PATH: usualPath, ...Object.fromEntries(own) };
}
