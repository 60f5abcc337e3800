// SPDX-License-Identifier: Apache-2.0
// Trees of files as streams, from and to every form.
export { directoryTree } from './directory-source.ts';
export { squashfsTree } from './squashfs-source.ts';
export { impliedDirectory } from './tree.ts';
export type { TreeEntry, TreeOptions, TreeSink, TreeSource } from './tree.ts';
