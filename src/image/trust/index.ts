// SPDX-License-Identifier: Apache-2.0
// Signatures of images, and policies about them.
export { askTrust, signedDigests } from './ask-trust.ts';
export { requirementsFor, requirementsOf } from './requirements.ts';
