// SPDX-License-Identifier: Apache-2.0

/** The name of an image's directory below `img` in the storage directory. */
export function storageName(reference: string): string {
  return reference.replaceAll('/', '%').replaceAll(':', '+');
}
