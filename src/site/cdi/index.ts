// SPDX-License-Identifier: Apache-2.0
// The Container Device Interface: vendors' specifications of what a container needs for a device.
export { type CdiName, isCdiKind, parseCdiName } from './names.ts';
export { absolutePaths, type CdiWish, findCdiDevices, findCdiWishes } from './find-devices.ts';
export { findGraphicsDevices } from './graphics-devices.ts';
export { readCdiRegistry } from './read-registry.ts';
export { type CdiAdaptation, resolveCdiDevices } from './resolve-devices.ts';
