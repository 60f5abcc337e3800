// SPDX-License-Identifier: Apache-2.0
// Images into everything that is no registry.
export { type ConvertedImage, convertImage, type ConvertRequest } from './convert-image.ts';
export type { LayerCompression } from './image-parts.ts';
export { type ConvertTarget, parseTarget, targetFormats } from './target.ts';
