// SPDX-License-Identifier: Apache-2.0
import { basename, posix } from 'node:path';
import { type LibrarySearch, type LibraryTree, resolveLibraries } from '../libraries/index.ts';

/** `target` may begin with a name that stands for a directory of the container, such as `<FI_PROVIDER_PATH>`. */
export type InjectedFile = { readonly source: string; readonly target: string };

export type Injection = {
  readonly files: readonly InjectedFile[];
  readonly devices: readonly string[];
  /** What was looked for in vain, and what that means. */
  readonly notes: readonly string[];
};

/** Of the C library and the compiler: the image has its own, and theirs must fit one another. */
const ofTheImage =
  /^(?:ld-linux.*|ld64|ld|libc|libm|libdl|libpthread|librt|libresolv|libutil|libnsl|libnss_[a-z]+|libanl|libBrokenLocale|libthread_db|libgcc_s|libstdc\+\+|linux-vdso)(?:[.-].*)?\.so(?:\..*)?$/;

/**
 * What `roots`, programs and libraries, need besides what every image has; each mounted in `directory` by the name it is
 * asked for with.
 */
export function dependenciesOf(
  roots: readonly string[],
  given: {
    readonly search: LibrarySearch;
    readonly tree: LibraryTree;
    readonly directory: string;
    readonly isLeftOut?: (name: string) => boolean;
  },
): { readonly files: readonly InjectedFile[]; readonly missing: readonly string[] } {
  const { search, tree, directory } = given;
  const { libraries, missing } = resolveLibraries(search, roots);
  const own = new Set(roots.map((path) => tree.realPath(path) ?? path));
  const files = libraries.flatMap(({ name, path }): readonly InjectedFile[] => {
    const asked = basename(name);
    const real = tree.realPath(path) ?? path;
    if (own.has(real) || ofTheImage.test(asked) || given.isLeftOut?.(asked) === true) return [];
    return [{ source: path, target: posix.join(directory, asked) }];
  });
  return {
    files,
    missing: missing.map(({ name, neededBy }) => (neededBy === undefined ? name : `${name} (for ${neededBy})`)),
  };
}
