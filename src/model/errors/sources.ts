// SPDX-License-Identifier: Apache-2.0
// Images in files, directories and other programs' keeping: reading them, and writing them.

export const sourceErrors = {
  'source-malformed': {
    message: 'read image reference "{reference}": {reason}',
    hint: 'forms are docker://NAME, oci:DIR[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:REF], dir:DIR, docker-daemon:NAME, containers-storage:NAME, squashfs:FILE, sif:FILE, tar:FILE, directory:DIR, or a path',
    exitStatus: 125,
    httpStatus: 400,
  },
  'source-missing': {
    message: 'open image {path}: no such file or directory',
    hint: 'see whether the path is right; a relative one begins at the working directory',
    exitStatus: 125,
    httpStatus: 404,
  },
  'source-unrecognized': {
    message: 'open image {path}: {reason}',
    hint: 'known are OCI layouts, dir: directories, docker and OCI archives, tarballs, squashfs and SIF files, and directories with a root file system',
    exitStatus: 125,
    httpStatus: 422,
  },
  'layout-malformed': {
    message: 'read image {path}: {reason}',
    hint: 'the image is damaged or incomplete; make or copy it again',
    exitStatus: 125,
    httpStatus: 422,
  },
  'layout-image-missing': {
    message: 'find an image in {path}: {reason}',
    hint: 'there are: {available}',
    exitStatus: 125,
    httpStatus: 404,
  },
  'layout-blob-missing': {
    message: 'read image {path}: {what} is not in it',
    hint: 'the image is incomplete; copy it again, all of it',
    exitStatus: 125,
    httpStatus: 422,
  },
  'archive-unreadable': {
    message: 'read archive {path}: {reason}',
    hint: 'the archive is damaged or incomplete; make or copy it again',
    exitStatus: 125,
    httpStatus: 422,
  },
  'archive-entry-refused': {
    message: 'read archive {path}: entry "{entry}": {reason}',
    hint: 'the archive does not describe a usable tree; make it again',
    exitStatus: 125,
    httpStatus: 422,
  },
  'archive-inflates': {
    message: 'read archive {path}: {bytes} bytes come out of {compressedBytes}, more than {limit} times as many',
    hint: 'such an archive is made to fill disks; if it is honest, decompress it first',
    exitStatus: 125,
    httpStatus: 422,
  },
  'program-missing': {
    message: '{task}: the program {program} is needed and not found in {searchPath}',
    hint: 'install the package {package}',
    exitStatus: 125,
    httpStatus: 500,
  },
  'program-failed': {
    message: '{task}: {program} {reason}',
    exitStatus: 125,
    httpStatus: 500,
  },
  'engine-unavailable': {
    message: 'get image {name} from {engine}: {reason}',
    hint: 'save the image there to a file, and use docker-archive:FILE or oci-archive:FILE',
    exitStatus: 125,
    httpStatus: 503,
  },
  'sif-malformed': {
    message: 'read SIF image {path}: {reason}',
    hint: 'the file is damaged or incomplete; build or copy it again',
    exitStatus: 125,
    httpStatus: 422,
  },
  'sif-unsupported': {
    message: 'read SIF image {path}: {reason}',
    hint: 'build the image again with a current Apptainer, unencrypted, or export it there to a directory (a sandbox)',
    exitStatus: 125,
    httpStatus: 422,
  },
  'tree-unreadable': {
    message: 'read directory {path}: "{entry}": {reason}',
    hint: 'run as someone who may read all of the tree, when nobody is changing it',
    exitStatus: 125,
    httpStatus: 422,
  },
} as const;
