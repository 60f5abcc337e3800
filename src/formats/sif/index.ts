// SPDX-License-Identifier: Apache-2.0
export { parseSif, type SifImage, sifMagic, sifMagicStartBytes } from './parse.ts';
