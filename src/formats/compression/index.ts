// SPDX-License-Identifier: Apache-2.0
export { type Compression, compressionStartBytes, detectCompression } from './detect.ts';
