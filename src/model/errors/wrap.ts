// SPDX-License-Identifier: Apache-2.0
// What can go wrong when software is wrapped.

export const wrapErrors = {
  'wrap-configuration-invalid': {
    message: 'read the configuration: {key}: {reason}',
    hint: 'look at the configuration file of the site, the one given with --yaml, and share/conf.yaml of the installation',
    exitStatus: 1,
    httpStatus: 400,
  },
  'wrap-configuration-unreadable': {
    message: 'read the configuration {path}: {reason}',
    hint: 'name the configuration file of the site with CW_GLOBAL_YAML; without it, /etc/slipway/tykky.yaml is used',
    exitStatus: 1,
    httpStatus: 400,
  },
  'wrap-no-installation': {
    message: 'update {path}: it is no wrapped installation (it has no share/conf.yaml)',
    hint: 'name the directory that was given with --prefix when it was made',
    exitStatus: 1,
    httpStatus: 400,
  },
  'wrap-made-by-tykky': {
    message: 'update {path}: Tykky itself made it, for a place inside its containers that nothing else knows',
    hint: 'make it anew, from the files in its share/previous_input; the old one goes on working with Singularity or Apptainer',
    exitStatus: 1,
    httpStatus: 400,
  },
  'wrap-prefix-occupied': {
    message: 'install to {path}: {name} is there already and is not of a wrapped installation',
    hint: 'choose another directory with --prefix',
    exitStatus: 1,
    httpStatus: 400,
  },
  'wrap-prefix-holds-home': {
    message: 'install to {path}: wrapped programs would see the installation in place of {home}',
    hint: 'name a directory of its own with --prefix',
    exitStatus: 1,
    httpStatus: 400,
  },
  'wrap-prefix-unwritable': {
    message: 'install to {path}: the directory is not writable',
    hint: 'choose another directory with --prefix, or have its owner let you write in it',
    exitStatus: 1,
    httpStatus: 403,
  },
  'wrap-build-directory': {
    message: 'make a build directory in {path} (from "{value}"): {reason}',
    hint: 'set build_tmpdir_base in the configuration, or CW_BUILD_TMPDIR, to a directory on a local file system where you can write',
    exitStatus: 1,
    httpStatus: 500,
  },
  'wrap-script-failed': {
    message: 'install: the {what} ended with status {status}',
    hint: 'read what it said above; CW_DEBUG_KEEP_FILES=1 keeps the build directory',
    exitStatus: 1,
    httpStatus: 500,
  },
  'wrap-source-missing': {
    message: 'wrap {path}: no such {what}',
    exitStatus: 1,
    httpStatus: 404,
  },
  'wrap-source-is-installation': {
    message: 'wrap {path}: it is the directory to install to, or holds it',
    hint: 'choose another directory with --prefix',
    exitStatus: 1,
    httpStatus: 400,
  },
  'wrap-installer-missing': {
    message: 'install: {what} is not to be found',
    hint: '{remedy}',
    exitStatus: 1,
    httpStatus: 500,
  },
  'wrap-installer-refused': {
    message: 'fetch the installer {url}: {reason}',
    hint: 'look at conda_url and conda_sha256 in the configuration; conda_command names a program that is installed here',
    exitStatus: 1,
    httpStatus: 502,
  },
  'wrap-record-unreadable': {
    message: 'read the record of {path}: {reason}',
    hint: 'it is written when an installation is made or updated; one made by Tykky itself has none',
    exitStatus: 1,
    httpStatus: 400,
  },
} as const;
