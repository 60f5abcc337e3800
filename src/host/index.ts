// SPDX-License-Identifier: Apache-2.0
// Facts about this machine: what Slipway needs of it, what is there, and what to do about what is not.
export { type Examination, examineHost } from './examine-host.ts';
export { type Finding, type FindingState, type Remedy, worstState } from './finding.ts';
export { squashfuseSearchPath } from './fuse.ts';
export * from './libraries/index.ts';
export * from './replacement/index.ts';
export * from './injection/index.ts';
export { type HostReader, thisMachine } from './reader.ts';
