// SPDX-License-Identifier: Apache-2.0
// Texts that Shifter's programs leave for one another.
export { formatMetaFile, isConvertedBySlipway, type MetaFile, parseMetaFile } from './meta-file.ts';
export { parsePythonList } from './python-list.ts';
