// SPDX-License-Identifier: Apache-2.0
// Facts about this machine: what Slipway needs of it, what is there, and what to do about what is not.
export { examineHost } from './examine-host.ts';
export { type Finding, worstState } from './finding.ts';
export { squashfuseSearchPath } from './fuse.ts';
export * from './libraries/index.ts';
export * from './replacement/index.ts';
export * from './injection/index.ts';
export { thisMachine } from './reader.ts';
