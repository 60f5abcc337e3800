// SPDX-License-Identifier: Apache-2.0
export { assembleImage } from './assemble-image.ts';
export type { ConversionResult, ImageOrder } from './image-order.ts';
export { type LayersOrder, layersToSquashfs } from './layers-to-squashfs.ts';
export { type ConvertOptions, defaultConvertOptions } from './options.ts';
export { openPackedLayer, packLayer, type PackedLayer, packName } from './packed-layer.ts';
export { type LimitCounters, newCounters } from './record-entries.ts';
export type { LayerSource } from './record-layer.ts';
