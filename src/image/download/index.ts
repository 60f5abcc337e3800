// SPDX-License-Identifier: Apache-2.0
// Layers from a source into verified files.
export { downloadLayers } from './download-layers.ts';
export type { BlobSink } from './blob-sink.ts';
export { downloadBlob } from './download-blob.ts';
