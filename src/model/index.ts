// SPDX-License-Identifier: Apache-2.0
export * from './digest.ts';
export * from './errors.ts';
export * from './events.ts';
export * from './image-config.ts';
export * from './image-reference.ts';
export * from './json.ts';
export * from './plan.ts';
export * from './request.ts';
export * from './registry-rules.ts';
export * from './short-names.ts';
export * from './trust.ts';
export * from './source-reference.ts';
export * from './store-name.ts';
