// SPDX-License-Identifier: Apache-2.0
// Images into registries.
export { type ImagePush, type PushedImage, pushImage } from './push-image.ts';
