// SPDX-License-Identifier: Apache-2.0
export { type Ed25519Key, ed25519KeyOf, parsePublicKey, privateKeyText, publicKeyText } from './keys.ts';
export { parsePort, withoutKeywords } from './config.ts';
