// SPDX-License-Identifier: Apache-2.0
// Where the keys for ssh between containers are kept.
import { posix } from 'node:path';
import type { HookFile, SarusSite } from '../../site/index.ts';

/** Of the container's server, and of the person who logs in. */
export const keyNames = ['ssh_host_ed25519_key', 'id_ed25519'] as const;

/** Below HOOK_BASE_DIR of the site's ssh hook, else where the repositories are, else in the home. */
export function sshKeysDirectory(
  hooks: readonly HookFile[],
  given: { readonly userName: string; readonly site: SarusSite; readonly home: string },
): string {
  const hook = hooks.find((file) => posix.basename(file.hook.path) === 'ssh_hook');
  const base = hook?.hook.env?.find((each) => each.startsWith('HOOK_BASE_DIR='))?.slice('HOOK_BASE_DIR='.length);
  const ofUser = base ?? given.site.repositoryBase;
  const own = ofUser === undefined ? given.home : posix.join(ofUser, given.userName);
  return posix.join(own, '.oci-hooks/ssh/keys');
}
