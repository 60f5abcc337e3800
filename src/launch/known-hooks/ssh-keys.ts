// SPDX-License-Identifier: Apache-2.0
// Where the keys for ssh between containers are kept, and what they are called.
import { posix } from 'node:path';

/** Of the server in each container. */
export const hostKey = 'dropbear_ecdsa_host_key';
/** Of the person who logs in; with `.pub`, what the server knows him by. */
export const userKey = 'id_dropbear';

/** Below a person's own directory. */
export function sshKeysDirectory(own: string): string {
  return posix.join(own, '.oci-hooks/ssh/keys');
}
