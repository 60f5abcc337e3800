// SPDX-License-Identifier: Apache-2.0
// Images into registries.
export { pushImage } from './push-image.ts';
