// SPDX-License-Identifier: Apache-2.0
export { findSarusSite, parseSarusJson, type SarusSite } from './sarus-site.ts';
