// SPDX-License-Identifier: Apache-2.0
// Which images a site accepts.
export { readLookaside, readTrustPolicy } from './read-trust.ts';
