// SPDX-License-Identifier: Apache-2.0
// What Shifter puts into a container around an image: directories and files of its own over the image's, the machine's
// devices and temporary directories, the site's file systems, modules.
import type { LibraryTree } from '../../host/index.ts';
import type { Adaptation, MadeEntry, MountRequest } from '../../model/index.ts';
import { SlipwayError } from '../../model/index.ts';
import type { ShifterModule, UdiRoot, VolumeMap } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import type { ContainerUser } from './container-user.ts';
import { etcFiles } from './etc-files.ts';
import { glibcAdaptations } from './module-glibc.ts';
import { runSiteHooks } from './site-hooks.ts';
import { clientEntries, type ContainerSsh, fitForSsh, sshEntries, sshMounts } from './ssh/container-ssh.ts';
import { serverDirectory } from './ssh/server-files.ts';
import { volumeMounts } from './volumes.ts';

export type Container = {
  /** What is laid over the image. */
  readonly layer: readonly MadeEntry[];
  readonly adaptations: readonly Adaptation[];
};

export type ContainerInput = {
  readonly udiRoot: UdiRoot;
  readonly user: ContainerUser;
  readonly modules: readonly ShifterModule[];
  readonly volumes: readonly VolumeMap[];
  /** The text of /var/shifterConfig.json. */
  readonly config: string;
  /** The text of /var/hostsfile, where the batch system gives one. */
  readonly hostsFile?: string;
  /** Where an sshd is to be in the container. */
  readonly ssh?: ContainerSsh;
  /** Of specifications of devices. */
  readonly devices?: readonly Adaptation[];
  /** What root alone makes for a job's person. */
  readonly caches?: readonly Adaptation[];
  readonly image: LibraryTree;
  readonly inputs: Inputs;
  readonly isRoot: boolean;
};

const directories = [
  'dev',
  'etc',
  'etc/udiImage',
  'opt',
  'opt/udiImage',
  'opt/udiImage/modules',
  'proc',
  'sys',
  'tmp',
  'var',
  'var/empty',
  'var/run',
  'var/spool',
  'var/tmp',
];
/** What an image has there is not shown: Shifter made them before it looked at the image. */
const covered = ['/etc/ssh', '/opt/udiImage', '/var/empty', '/var/run', '/var/spool'];

/** @throws SlipwayError `shifter-etc-unusable`, `shifter-site-path-missing`, `shifter-hook-failed` */
export function buildContainer(input: ContainerInput): Container {
  const { udiRoot, modules, volumes, inputs, ssh } = input;
  const system: Adaptation = {
    origin: 'shifter',
    mounts: [
      ...['/proc', '/sys', '/dev', '/tmp'].map((path) => directory(path, path)),
      ...(inputs.kindOf('/var/tmp') === 'directory' ? [directory('/var/tmp', '/var/tmp')] : []),
    ],
    environment: [],
  };
  const site: readonly Adaptation[] = [
    {
      origin: 'optUdiImage of the site',
      mounts: udiImageMounts(udiRoot, inputs).filter(({ target }) => ssh === undefined || target !== serverDirectory),
      environment: [],
    },
    { origin: 'sshd of the job', mounts: ssh === undefined ? [] : sshMounts(ssh), environment: [] },
    ...modules.map((module) => ({
      origin: `module ${module.name}`,
      mounts: copyPathMounts(module, inputs),
      environment: [],
    })),
    ...glibcAdaptations(modules, input.image, inputs),
    { origin: 'siteFs', mounts: siteMounts(udiRoot.siteFs, inputs), environment: [] },
    ...modules.map((module) => ({
      origin: `siteFs of module ${module.name}`,
      mounts: siteMounts(module.siteFs, inputs),
      environment: [],
    })),
  ];
  const persons = [...(input.devices ?? []), ...(input.caches ?? []), ...volumeMounts(volumes)];
  const above = [...site, ...persons].flatMap(({ mounts }) => mounts);
  const covers: Adaptation = {
    origin: 'shifter: what an image has there is not shown',
    mounts: covered.map((target) => ({
      kind: 'tree',
      target,
      entries: [
        ...(target === '/opt/udiImage' ? udiImageEntries(udiRoot, inputs) : []),
        ...(target === '/etc/ssh' && ssh !== undefined ? clientEntries(ssh) : []),
        ...mountPoints(target, above, inputs),
      ],
      flags: { nosuid: true, nodev: true },
    })),
    environment: [],
  };
  return {
    layer: layerOf(input),
    adaptations: [covers, system, ...site, ...persons].filter(
      ({ mounts, hooks = [] }) => mounts.length + hooks.length > 0,
    ),
  };
}

function layerOf(input: ContainerInput): readonly MadeEntry[] {
  const { udiRoot, user, modules, config, hostsFile, ssh, image, inputs, isRoot } = input;
  const own: readonly MadeEntry[] = [
    ...directories.map((path) => ({ path, kind: 'directory' }) as const),
    { path: 'etc/ssh', kind: 'directory' },
    ...etcFiles(udiRoot, user, inputs).map((entry) =>
      ssh === undefined ? entry : fitForSsh(entry, { userName: user.name, image }),
    ),
    ...(ssh === undefined ? [] : sshEntries({ udiRoot, image, inputs })),
    { path: 'var/shifterConfig.json', kind: 'file', content: config },
    ...(hostsFile === undefined ? [] : [{ path: 'var/hostsfile', kind: 'file', content: hostsFile } as const]),
  ];
  return runSiteHooks(own, { udiRoot, modules, inputs, isRoot });
}

/** The directories and files in /opt/udiImage, for the mounts on them; links as they are. */
function udiImageEntries(udiRoot: UdiRoot, inputs: Inputs): readonly MadeEntry[] {
  return [
    { path: 'modules', kind: 'directory' },
    ...udiImageNames(udiRoot, inputs).flatMap((name): readonly MadeEntry[] => {
      const entry = inputs.entryAt(`${udiRoot.optUdiImage ?? ''}/${name}`);
      return entry?.kind === 'link' ? [{ path: name, kind: 'link', target: entry.target }] : [];
    }),
  ];
}

function udiImageMounts(udiRoot: UdiRoot, inputs: Inputs): readonly MountRequest[] {
  const from = udiRoot.optUdiImage ?? '';
  return udiImageNames(udiRoot, inputs).flatMap((name) =>
    inputs.entryAt(`${from}/${name}`)?.kind === 'link' ? [] : [bind(`${from}/${name}`, `/opt/udiImage/${name}`, true)],
  );
}

function udiImageNames({ optUdiImage }: UdiRoot, inputs: Inputs): readonly string[] {
  if (optUdiImage === undefined) return [];
  const names = inputs.listDirectory(optUdiImage);
  if (names === undefined) throw missing('optUdiImage', optUdiImage);
  return names.filter((name) => name !== 'modules');
}

function copyPathMounts({ name, copyPath }: ShifterModule, inputs: Inputs): readonly MountRequest[] {
  if (copyPath === undefined) return [];
  if (inputs.kindOf(copyPath) !== 'directory') throw missing(`module_${name}_copyPath`, copyPath);
  return [bind(copyPath, `/opt/udiImage/modules/${name}`, true)];
}

function siteMounts(maps: readonly VolumeMap[], inputs: Inputs): readonly MountRequest[] {
  const shown = maps.filter(({ perNodeCache }) => perNodeCache === undefined);
  return shown.map(({ from, to, readOnly }) => {
    if (inputs.kindOf(from) === undefined) throw missing('siteFs', from);
    return bind(from, to, readOnly);
  });
}

/**
 * Devices keep being devices below /dev only. With all that is mounted below: in a user namespace the kernel gives no part
 * of a mount without the mounts on it.
 */
function bind(source: string, target: string, readOnly: boolean): MountRequest {
  const isDevice = source === '/dev' || source.startsWith('/dev/');
  return {
    kind: 'bind',
    source,
    target,
    flags: { recursive: true, nosuid: true, readOnly, ...(isDevice ? {} : { nodev: true }) },
  };
}

function directory(source: string, target: string): MountRequest {
  return bind(source, target, false);
}

/** What mounts below `directory` need to be there. */
function mountPoints(above: string, mounts: readonly MountRequest[], inputs: Inputs): readonly MadeEntry[] {
  const entries = new Map<string, MadeEntry>();
  for (const mount of mounts) {
    if (!mount.target.startsWith(`${above}/`)) continue;
    const names = mount.target.slice(above.length + 1).split('/');
    const isFile = mount.kind === 'bind' && mount.flags.inside !== true && inputs.kindOf(mount.source) !== 'directory';
    names.forEach((_, depth) => {
      const path = names.slice(0, depth + 1).join('/');
      const kind = isFile && depth === names.length - 1 ? 'file' : 'directory';
      if (entries.get(path)?.kind !== 'directory' && !(above === '/opt/udiImage' && path === 'modules')) {
        entries.set(path, { path, kind });
      }
    });
  }
  return [...entries.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function missing(key: string, path: string): SlipwayError {
  return new SlipwayError('shifter-site-path-missing', { key, path });
}
