// SPDX-License-Identifier: Apache-2.0
export {
  parseSif,
  type SifDescriptor,
  type SifFileSystem,
  type SifImage,
  sifHeaderBytes,
  sifMagic,
  sifMagicStartBytes,
} from './parse.ts';
