// SPDX-License-Identifier: Apache-2.0
// Layers from a source into verified files.
export { downloadLayers, type LayerDownload } from './download-layers.ts';
