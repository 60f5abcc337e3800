// SPDX-License-Identifier: Apache-2.0
// Trees of files as streams, from and to every form.
export { directoryTree, type TreeDirectory } from './directory-source.ts';
export { mergedTree, type MergedTreeOptions } from './merged-tree-source.ts';
export { squashfsTree, type SquashfsFile } from './squashfs-source.ts';
export { tarballTree, type TarballOptions } from './tarball-source.ts';
export { createDirectorySink, type DirectorySink, type DirectorySinkOptions } from './directory-sink.ts';
export { adaptSink } from './adapt-sink.ts';
export { impliedDirectory } from './tree.ts';
export { type TreeOrder, writeTree } from './write-tree.ts';
export { createTarSink, type TarSink, type TarSinkOptions } from './tar-sink.ts';
export { createTreeWarnings, type TreeWarnings } from './tree-warnings.ts';
export type {
  Archives,
  ReadTreeOptions,
  TreeEntry,
  TreeOptions,
  TreeProgress,
  TreeSink,
  TreeSource,
  TreeTotals,
} from './tree.ts';
