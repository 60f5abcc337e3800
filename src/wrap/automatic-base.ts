// SPDX-License-Identifier: Apache-2.0
// The image that is like this machine, by os-release(5): what `container_src: auto` means.

/** Where a distribution's images are called otherwise than it calls itself. */
const repositories: Readonly<Record<string, (version: string) => string>> = {
  'sles': (version) => `registry.suse.com/bci/bci-base:${version}`,
  'opensuse-leap': (version) => `opensuse/leap:${version}`,
  'rhel': (version) => `redhat/ubi${version.replace(/\..*/, '')}`,
  'rocky': (version) => `rockylinux/rockylinux:${version}`,
};

/** @returns undefined where the text does not tell name and version */
export function automaticBase(osRelease: string): string | undefined {
  const value = (key: string): string | undefined =>
    new RegExp(`^${key}=(["']?)([A-Za-z0-9._-]+)\\1\\s*$`, 'm').exec(osRelease)?.[2];
  const [id, version] = [value('ID'), value('VERSION_ID')];
  if (id === undefined || version === undefined) return undefined;
  return Object.hasOwn(repositories, id) ? repositories[id]?.(version) : `${id}:${version}`;
}
