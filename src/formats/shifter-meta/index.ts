// SPDX-License-Identifier: Apache-2.0
// The `.meta` text that stands beside an image in Shifter's store.
export { type ImageMeta, type ImageMetaReading, parseImageMeta, readWordList } from './parse-meta.ts';
