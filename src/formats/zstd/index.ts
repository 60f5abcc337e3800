// SPDX-License-Identifier: Apache-2.0
export { type ZstdFrameSplitter, createZstdFrameSplitter } from './frames.ts';
