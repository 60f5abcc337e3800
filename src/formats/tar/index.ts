// SPDX-License-Identifier: Apache-2.0
export { blankEntry, type TarEntry, type TarEntryType, maxPathBytes, maxPaxBytes, paddingAfter } from './entry.ts';
export { type TarReader, type TarVisitor, createTarReader } from './reader.ts';
export { encodeFileHeader, encodeTarHeader, tarEnd } from './writer.ts';
