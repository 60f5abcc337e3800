// SPDX-License-Identifier: Apache-2.0

/** The extended attributes that an image may keep, as copies: the values given may be views of what must not be kept. */
export function keptXattrs(xattrs: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
  if (xattrs.size === 0) return xattrs;
  return new Map([...xattrs].filter(([name]) => isKeptXattr(name)).map(([name, value]) => [name, Buffer.from(value)]));
}

/** ACLs, SELinux labels and overlayfs marks describe the machine that an image was built on. */
export function isKeptXattr(name: string): boolean {
  return name.startsWith('user.') || name === 'security.capability';
}
