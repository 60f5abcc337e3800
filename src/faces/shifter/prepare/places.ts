// SPDX-License-Identifier: Apache-2.0

/** Where a container has its sshd, and so what the process is called. */
export const sshdPath = '/opt/udiImage/sbin/sshd';

/** Where root keeps what is laid over the image of a job; it goes with the job's container. */
export const layerDirectory = '/run/slipway-shifter';

/** Where root keeps the files of a container's sshd on the node. */
export const serverFilesDirectory: string = `${layerDirectory}/ssh`;
