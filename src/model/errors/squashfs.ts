// SPDX-License-Identifier: Apache-2.0

export const squashfsErrors = {
  'squashfs-unrecognized': {
    message: 'read image {image}: {reason}',
    hint: 'a squashfs 4.0 image starts with the four bytes "hsqs"; convert or pull the image again',
    exitStatus: 125,
    httpStatus: 422,
  },
  'squashfs-damaged': {
    message: 'read image {image}: {what} at byte {offset} is damaged: {reason}',
    hint: 'the file was cut short or changed after it was written; remove the image and pull it again',
    exitStatus: 125,
    httpStatus: 422,
  },
  'squashfs-compression-unsupported': {
    message: 'read image {image}: it is compressed with {compression}, which Slipway does not decompress',
    hint: 'write the image again with zstd: unsquashfs {image}, then mksquashfs squashfs-root NEW -comp zstd',
    exitStatus: 125,
    httpStatus: 422,
  },
  'squashfs-file-too-large': {
    message: 'read a file of image {image}: it has {size} bytes, and at most {limit} are read here',
    exitStatus: 125,
    httpStatus: 422,
  },
  'squashfs-symlink-loop': {
    message: 'find {path} in image {image}: more than {limit} symbolic links lead on from one another',
    hint: 'a link in the image points at itself, directly or by way of others',
    exitStatus: 125,
    httpStatus: 422,
  },
  'squashfs-not-encodable': {
    message: 'write a squashfs image: {what} can not be stored: {reason}',
    hint: 'squashfs, or Linux, has no room for it; change the file in the image that the layer comes from',
    exitStatus: 125,
    httpStatus: 422,
  },
  'layer-pack-damaged': {
    message: 'read layer pack {path}: {reason}',
    hint: 'remove the file; it is made again from the layer',
    exitStatus: 125,
    httpStatus: 500,
  },
} as const;
