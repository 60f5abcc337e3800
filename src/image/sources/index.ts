// SPDX-License-Identifier: Apache-2.0
// Images from everything that is no registry: layouts, archives, other engines, directories, tarballs, squashfs, SIF.
export { type OpenedSource, openSource, type OpenSourceOptions, resolvePathTransport } from './open-source.ts';
