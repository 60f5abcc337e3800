// SPDX-License-Identifier: Apache-2.0
// Where the keys for ssh between containers are kept, and what they are called.
import { posix } from 'node:path';
import type { HookFile, SarusSite } from '../../site/index.ts';
import { settingsOf } from './known-hooks/settings.ts';

/** Of the server in each container. */
export const hostKey = 'dropbear_ecdsa_host_key';
/** Of the person who logs in; with `.pub`, what the server knows him by. */
export const userKey = 'id_dropbear';

/** Below a person's own directory. */
export function sshKeysDirectory(own: string): string {
  return posix.join(own, '.oci-hooks/ssh/keys');
}

/** The site's Dropbear and where it keeps keys: as its ssh hook says, else where Sarus's installation has them. */
export function sshSettings(
  hooks: readonly HookFile[],
  given: { readonly userName: string; readonly site: SarusSite; readonly home: string },
): { readonly keys: string; readonly dropbear: string | undefined } {
  const { userName, site, home } = given;
  const file = hooks.find(({ hook }) => posix.basename(hook.path) === 'ssh_hook');
  const value = (name: string): string | undefined => (file === undefined ? undefined : settingsOf(file).value(name));
  const base = value('HOOK_BASE_DIR') ?? site.repositoryBase;
  const usual = site.prefix === undefined ? undefined : posix.join(site.prefix, 'dropbear');
  return {
    keys: sshKeysDirectory(base === undefined ? home : posix.join(base, userName)),
    dropbear: value('DROPBEAR_DIR') ?? usual,
  };
}
