// SPDX-License-Identifier: Apache-2.0
// What every container of sarus has: /dev of its own with the usual devices, the kernel's file systems, and names.
import { posix } from 'node:path';
import type { OpenedImage, Person } from '../../launch/index.ts';
import type { Adaptation, MadeEntry, MountRequest } from '../../model/index.ts';
import { containerGroup, containerPasswd } from '../../plan/index.ts';
import type { SarusSite } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';

const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty', 'ptmx'] as const;
const directories = ['pts', 'shm', 'mqueue'] as const;
const links = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['core', '/proc/kcore'],
] as const;

/** The file systems, in front of everything that is mounted into them. `added` are the adaptations that will be. */
export function baseAdaptation(added: readonly Adaptation[], inputs: Inputs): Adaptation {
  const own = [...devices, ...directories].filter((name) => inputs.kindOf(`/dev/${name}`) !== undefined);
  const targets = added.flatMap(({ mounts }) => mounts.filter(({ target }) => target.startsWith('/dev/')));
  return {
    origin: 'default: devices, processes, kernel',
    mounts: [
      { kind: 'tree', entries: deviceEntries(own, targets, inputs), target: '/dev', flags: {} },
      ...own.map((name) => tree(`/dev/${name}`)),
      // Also where processes are private: the launcher needs it until theirs is mounted on it.
      tree('/proc'),
      { kind: 'bind', source: '/sys', target: '/sys', flags: { recursive: true, readOnly: true } },
    ],
    environment: [],
  };
}

/** /dev as a directory with a place for each device and for all that is to be mounted there. */
function deviceEntries(own: readonly string[], targets: readonly MountRequest[], inputs: Inputs): readonly MadeEntry[] {
  const entries = new Map<string, MadeEntry>();
  const add = (path: string, kind: 'file' | 'directory'): void => {
    const parts = path.split('/');
    parts.slice(0, -1).forEach((_, index) => {
      const above = parts.slice(0, index + 1).join('/');
      if (!entries.has(above)) entries.set(above, { path: above, kind: 'directory' });
    });
    if (!entries.has(path)) entries.set(path, { path, kind });
  };
  for (const name of own) add(name, inputs.kindOf(`/dev/${name}`) === 'directory' ? 'directory' : 'file');
  for (const mount of targets) {
    const path = posix.relative('/dev', posix.normalize(mount.target));
    if (path === '' || path.startsWith('..')) continue;
    const isDirectory =
      mount.kind === 'tmpfs' ||
      mount.kind === 'tree' ||
      (mount.kind === 'bind' && inputs.kindOf(mount.source) === 'directory');
    add(path, isDirectory ? 'directory' : 'file');
  }
  for (const [path, target] of links) if (!entries.has(path)) entries.set(path, { path, kind: 'link', target });
  return [...entries.values()];
}

/** Names of hosts, of people as the site knows them, and of where names are looked up. */
export function namesAdaptation(
  image: OpenedImage,
  person: Person,
  given: { readonly site: SarusSite; readonly inputs: Inputs },
): Adaptation {
  const { site, inputs } = given;
  const fromPrefix = (name: string): string | undefined =>
    site.prefix === undefined ? undefined : inputs.readText(posix.join(site.prefix, 'etc', name));
  const file = (content: string, target: string): MountRequest => ({ kind: 'file', content, target, flags: {} });
  const passwd = containerPasswd(fromPrefix('passwd') ?? inputs.readText('/etc/passwd') ?? '', {
    name: person.userName,
    uid: person.uid,
    gid: person.gid,
    fullName: person.fullName,
    home: person.home,
    shell: image.kindOf(person.shell) === undefined ? '/bin/sh' : person.shell,
  });
  const group = containerGroup(fromPrefix('group') ?? inputs.readText('/etc/group') ?? '', {
    name: person.groupName,
    gid: person.gid,
  });
  const nsswitch = fromPrefix('nsswitch.conf');
  return {
    origin: 'default: names of hosts and people',
    mounts: [
      ...['/etc/hosts', '/etc/resolv.conf']
        .filter((path) => inputs.kindOf(path) !== undefined)
        .map((path): MountRequest => ({ kind: 'bind', source: path, target: path, flags: { readOnly: true } })),
      file(passwd, '/etc/passwd'),
      file(group, '/etc/group'),
      ...(nsswitch === undefined ? [] : [file(nsswitch, '/etc/nsswitch.conf')]),
    ],
    environment: [],
  };
}

function tree(path: string): MountRequest {
  return { kind: 'bind', source: path, target: path, flags: { recursive: true } };
}
