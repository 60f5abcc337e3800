// SPDX-License-Identifier: Apache-2.0
export * from './store/index.ts';
export * from './types.ts';
