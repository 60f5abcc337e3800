// SPDX-License-Identifier: Apache-2.0
// Hooks of OCI runtimes: ours, and the configuration of anyone's.

export const hookErrors = {
  'hook-arguments': {
    message: 'read the arguments of the hook: {reason}',
    hint: 'they stand in the hook configuration file under hook.args, behind the name of the program',
    exitStatus: 1,
    httpStatus: 500,
  },
  'mount-value': {
    message: 'read --mount={value}: {reason}',
    hint: 'a mount is type=bind,source=HOST-PATH,destination=CONTAINER-PATH[,readonly]; there is no quoting',
    exitStatus: 1,
    httpStatus: 400,
  },
  'device-value': {
    message: 'read --device={value}: {reason}',
    hint: 'a device is HOST-PATH[:CONTAINER-PATH][:ACCESS], where ACCESS is of the letters rwm',
    exitStatus: 1,
    httpStatus: 400,
  },
  'hook-state': {
    message: 'read the state of the container on standard input: {reason}',
    hint: 'a hook is started by an OCI runtime (runc, crun, podman), which tells it of the container in JSON',
    exitStatus: 1,
    httpStatus: 500,
  },
  'hook-bundle': {
    message: 'read {path}: {reason}',
    hint: 'the runtime named this as the configuration of the container',
    exitStatus: 1,
    httpStatus: 500,
  },
  'hook-file': {
    message: 'read the hook configuration {path}: {reason}',
    hint: 'an administrator must mend the file or take it away; nothing runs meanwhile, lest a container lack what the site adds',
    exitStatus: 1,
    httpStatus: 500,
  },
  'hook-joined': {
    message:
      'join a container: the hook {hook}, which {origin} asks for, is run when a container is made, and only then',
    hint: 'leave out what joins the container of others, or what brings the hook',
    exitStatus: 125,
    httpStatus: 400,
  },
  'hook-setting': {
    message: 'prepare the hook {hook}: {reason}',
    hint: 'its variables stand under hook.env in its configuration file',
    exitStatus: 1,
    httpStatus: 500,
  },
  'inject-missing': {
    message: 'find {what} on this machine: {reason}',
    hint: 'run it on a machine that has it, such as a compute node',
    exitStatus: 125,
    httpStatus: 500,
  },
  'inject-path': {
    message: 'write a mount of {path}: it has a comma or an equals sign, which the mount hook has no way to quote',
    hint: 'make a symbolic link to it by another name',
    exitStatus: 125,
    httpStatus: 500,
  },
  'hook-ldconfig': {
    message: 'use {path} from LDCONFIG_PATH: {reason}',
    hint: 'the hook runs it as root: it must be called ldconfig, and only root may be able to change it',
    exitStatus: 1,
    httpStatus: 500,
  },
} as const;
