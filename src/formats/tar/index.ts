// SPDX-License-Identifier: Apache-2.0
export { blankEntry, type TarEntry, type TarEntryType, maxPathBytes, paddingAfter } from './entry.ts';
export { type TarVisitor, createTarReader } from './reader.ts';
export { encodeFileHeader, encodeTarHeader, tarEnd } from './writer.ts';
