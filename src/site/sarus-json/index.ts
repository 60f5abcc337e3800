// SPDX-License-Identifier: Apache-2.0
export { findSarusSite, type SarusSite } from './sarus-site.ts';
