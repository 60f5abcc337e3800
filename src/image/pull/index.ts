// SPDX-License-Identifier: Apache-2.0
// Pulling an image into the store.
export { defaultPackBytes, type PulledImage, pullImage, type PullOptions } from './pull-image.ts';
