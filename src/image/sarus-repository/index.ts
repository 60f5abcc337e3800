// SPDX-License-Identifier: Apache-2.0
// Sarus's repository of images: <base>/<user>/.sarus with metadata.json, and for each image a squashfs and a .meta file.
// Kept as Sarus keeps it, so that an installation of it and this one can stand side by side on the same images.
export { type SarusImage, type SarusImageMeta, parseSarusMetadata, parseSarusMeta } from './metadata.ts';
export { formatSarusReference, parseSarusReference, type SarusReference, sarusKey } from './reference.ts';
export {
  listSarusImages,
  publishSarusImage,
  removeSarusImage,
  type SarusRepository,
  sarusRepository,
} from './repository.ts';
