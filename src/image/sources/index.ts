// SPDX-License-Identifier: Apache-2.0
// Images from everything that is no registry: layouts, archives, other engines, directories, tarballs, squashfs, SIF.
export {
  findSifTree,
  type OpenedSource,
  openSource,
  type OpenSourceOptions,
  type PathReference,
  resolvePathTransport,
} from './open-source.ts';
