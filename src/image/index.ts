// SPDX-License-Identifier: Apache-2.0
// Images: where they come from, how they become one file, where they are kept.
export * from './check/index.ts';
export * from './convert/index.ts';
export * from './download/index.ts';
export * from './exports/index.ts';
export * from './pull/index.ts';
export * from './push/index.ts';
export * from './registry/index.ts';
export * from './sources/index.ts';
export * from './store/index.ts';
export * from './trust/index.ts';
export * from './trees/index.ts';
export * from './types.ts';
export { type Compressor, createSquashfsWriter, type SquashfsWriter, xzCompressor } from './squashfs/index.ts';
export * from './sarus-repository/index.ts';
