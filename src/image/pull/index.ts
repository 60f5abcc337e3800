// SPDX-License-Identifier: Apache-2.0
// Pulling an image into the store.
export { importTree, type TreeImport } from './import-tree.ts';
export { defaultPackBytes, type PulledImage, pullImage, type PullOptions } from './pull-image.ts';
