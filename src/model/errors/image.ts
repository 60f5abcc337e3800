// SPDX-License-Identifier: Apache-2.0
// Reading, merging and converting an image's layers.

export const imageErrors = {
  'tar-malformed': {
    message: 'read tar archive: at byte {offset}: {reason}',
    hint: 'the archive is damaged or was made by a program that departs from POSIX and GNU tar; make it again',
    exitStatus: 125,
    httpStatus: 422,
  },
  'zstd-malformed': {
    message: 'read zstd data: at byte {offset}: {reason}',
    hint: 'the data are damaged; fetch or make them again',
    exitStatus: 125,
    httpStatus: 422,
  },
  'layer-unreadable': {
    message: 'unpack {layer}: {reason}',
    hint: 'the image, or the archive, has to be made again',
    exitStatus: 125,
    httpStatus: 422,
  },
  'layer-entry-refused': {
    message: 'unpack {layer}: entry "{entry}": {reason}',
    hint: 'it does not describe a usable tree; the image, or the archive, has to be made again',
    exitStatus: 125,
    httpStatus: 422,
  },
  'layer-content-mismatch': {
    message: 'verify layer {layer}: its uncompressed content is {actual}, but the image configuration says {expected}',
    hint: 'the image is inconsistent; push it again or pull another tag',
    exitStatus: 125,
    httpStatus: 422,
  },
  'layer-inflates': {
    message: 'unpack {layer}: {bytes} bytes come out of {compressedBytes}, more than {limit} times as many',
    hint: 'such a layer is made to fill disks; if it is honest, raise the limit maxInflation',
    exitStatus: 125,
    httpStatus: 422,
  },
  'image-too-large': {
    message: 'convert image: it has more than {limit} {what}',
    hint: 'if the image is right, raise the limit {option}',
    exitStatus: 125,
    httpStatus: 422,
  },
} as const;
