// SPDX-License-Identifier: Apache-2.0
// The libraries of this machine, looked at through Inputs: a plan that rests on them ends with the next one that changes.
import type { Inputs } from '../../sys/inputs.ts';
import { processorHwcaps } from '../../sys/processor.ts';
import type { LibraryTree } from './library-tree.ts';
import { createLibrarySearch, type LibrarySearch, type SearchOptions } from './search.ts';

/** This machine's files as a dynamic loader sees them. */
export function machineTree(inputs: Inputs): LibraryTree {
  return {
    openFile: (path) => unlessUnreadable(() => inputs.openRegularFile(path)),
    listDirectory: (path) => unlessUnreadable(() => inputs.listDirectory(path)),
    realPath: (path) => unlessUnreadable(() => inputs.realPath(path)),
  };
}

/** A search like that of this machine's loader; `libraryPath` is LD_LIBRARY_PATH, where that is to count. */
export function machineLibraries(
  inputs: Inputs,
  options: Pick<SearchOptions, 'libraryPath'> = {},
): { readonly tree: LibraryTree; readonly search: LibrarySearch } {
  const tree = machineTree(inputs);
  return { tree, search: createLibrarySearch(tree, { ...options, hwcaps: processorHwcaps() }) };
}

/** A loader goes on to the next place where it may not look, and so does this. */
function unlessUnreadable<Value>(look: () => Value): Value | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
