// SPDX-License-Identifier: Apache-2.0
export { type Conversion, type ConversionResult, convertLayers } from './convert-layers.ts';
export { type ConvertLimits, type ConvertOptions, defaultConvertOptions } from './options.ts';
