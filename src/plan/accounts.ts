// SPDX-License-Identifier: Apache-2.0
// The container's passwd(5) and group(5): the image's own entries, so that its services keep their names, with the
// person running it in front.

/**
 * The text of a passwd file in which `entry` stands first and nobody else has its name or uid.
 * Lines of the image that are no passwd entries are left out.
 */
export function containerPasswd(
  imagePasswd: string,
  entry: {
    readonly name: string;
    readonly uid: number;
    readonly gid: number;
    readonly fullName: string;
    readonly home: string;
    readonly shell: string;
  },
): string {
  const own = [entry.name, 'x', entry.uid, entry.gid, entry.fullName, entry.home, entry.shell].map(field).join(':');
  return withFirst(own, imagePasswd, { name: entry.name, id: entry.uid, fields: 7 });
}

/** The text of a group file in which the person's group stands first and nobody else has its name or gid. */
export function containerGroup(imageGroup: string, entry: { readonly name: string; readonly gid: number }): string {
  const own = [entry.name, 'x', entry.gid, ''].map(field).join(':');
  return withFirst(own, imageGroup, { name: entry.name, id: entry.gid, fields: 4 });
}

function withFirst(
  own: string,
  text: string,
  match: { readonly name: string; readonly id: number; readonly fields: number },
): string {
  const others = text.split('\n').filter((line) => {
    const parts = line.split(':');
    return parts.length === match.fields && parts[0] !== match.name && parts[2] !== String(match.id);
  });
  // The kernel shows every unmapped id as 65534; without a name for it, `ls -l` shows a bare number.
  const hasOverflow = [own, ...others].some((line) => line.split(':')[2] === '65534');
  const overflow =
    match.fields === 7 ? 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin' : 'nogroup:x:65534:';
  return `${[own, ...others, ...(hasOverflow ? [] : [overflow])].join('\n')}\n`;
}

function field(value: string | number): string {
  return String(value).replaceAll(/[:\n]/g, '_');
}
