// SPDX-License-Identifier: Apache-2.0
import { posix } from 'node:path';
import { settingsOf, sshKeysDirectory } from '../../launch/index.ts';
import type { HookFile, SarusSite } from '../../site/index.ts';

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
