// SPDX-License-Identifier: Apache-2.0
// What an sshd in a job's container needs of the container: its files, the client in its place, users that it lets in.
import type { LibraryTree } from '../../../host/index.ts';
import type { MadeEntry, MountRequest } from '../../../model/index.ts';
import type { UdiRoot } from '../../../site/index.ts';
import type { Inputs } from '../../../sys/inputs.ts';
import { serverDirectory } from './server-files.ts';

export type ContainerSsh = {
  /** Where root keeps the server's files on the node. */
  readonly filesDirectory: string;
  /** The text of ssh_config. */
  readonly clientConfig: string;
};

/** Commands of optUdiImage that stand in the container's PATH. */
const clients = ['ssh', 'scp', 'sftp'];

export function sshMounts({ filesDirectory }: ContainerSsh): readonly MountRequest[] {
  const flags = { recursive: true, nosuid: true, nodev: true, readOnly: true };
  return [{ kind: 'bind', source: filesDirectory, target: serverDirectory, flags }];
}

/** Of /etc/ssh. */
export function clientEntries({ clientConfig }: ContainerSsh): readonly MadeEntry[] {
  return [{ path: 'ssh_config', kind: 'file', content: clientConfig }];
}

/** The client in the place of the image's own. */
export function sshEntries(given: {
  readonly udiRoot: Pick<UdiRoot, 'optUdiImage'>;
  readonly image: LibraryTree;
  readonly inputs: Inputs;
}): readonly MadeEntry[] {
  const { udiRoot, image, inputs } = given;
  const own = clients.filter((name) => inputs.kindOf(`${udiRoot.optUdiImage ?? ''}/bin/${name}`) === 'file');
  // Where a directory is a link of the image's, an entry would take its place.
  const places = [['usr', 'usr/bin'], ['bin']].filter(
    (path) => image.realPath(`/${path.at(-1)}`) === `/${path.at(-1)}`,
  );
  return places.flatMap((path): readonly MadeEntry[] => [
    ...path.map((each) => ({ path: each, kind: 'directory' }) as const),
    ...own.map(
      (name) => ({ path: `${path.at(-1)}/${name}`, kind: 'link', target: `/opt/udiImage/bin/${name}` }) as const,
    ),
  ]);
}

/** /etc as sshd needs it. Other entries stay as they are. */
export function fitForSsh(
  entry: MadeEntry,
  given: { readonly userName: string; readonly image: LibraryTree },
): MadeEntry {
  if (entry.kind !== 'file' || entry.content === undefined) return entry;
  // The gid of terminals is not mapped for a user: sshd would try to give his terminal to it, and end.
  if (entry.path === 'etc/group') return { ...entry, content: entry.content.replaceAll(/^tty:.*\n/gm, '') };
  return entry.path === 'etc/passwd' ? { ...entry, content: withShellOf(entry.content, given) } : entry;
}

/** sshd lets nobody in whose shell is missing; every image of use has /bin/sh. */
function withShellOf(
  passwd: string,
  { userName, image }: { readonly userName: string; readonly image: LibraryTree },
): string {
  return passwd
    .split('\n')
    .map((line) => {
      const fields = line.split(':');
      if (fields[0] !== userName || fields.length !== 7 || image.realPath(fields[6] || '/bin/sh') !== undefined)
        return line;
      return [...fields.slice(0, 6), '/bin/sh'].join(':');
    })
    .join('\n');
}
