// SPDX-License-Identifier: Apache-2.0
// Signatures of images, and policies about them.
export { dockerScopes, requirementsFor, requirementsOf } from './requirements.ts';
export { type TrustQuestion, verifyImage } from './verify-image.ts';
