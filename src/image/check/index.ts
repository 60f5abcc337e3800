// SPDX-License-Identifier: Apache-2.0
// Whether a store is as it should be.
export { checkStore, type StoreFault } from './check-store.ts';
