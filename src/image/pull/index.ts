// SPDX-License-Identifier: Apache-2.0
// Pulling an image into the store.
export { importTree } from './import-tree.ts';
export { pullImage } from './pull-image.ts';
