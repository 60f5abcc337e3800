// SPDX-License-Identifier: Apache-2.0
// sarus.json: what a site says to Sarus. Members that only mattered to its own way of starting containers (runc, umoci,
// the bundle's directory) are checked as its schema does and otherwise without effect.
import { posix } from 'node:path';
import { parseAccess } from '../../formats/sarus-mount/index.ts';
import { type DeviceAccess, SlipwayError } from '../../model/index.ts';
import { installationPrefix } from '../../sys/installation.ts';
import type { Inputs } from '../../sys/inputs.ts';
import { type CheckedObject, parseChecked } from '../checked-json.ts';

export type SarusSite = {
  /** Undefined where there is no file, and all is as for a person who is his own site. */
  readonly file: string | undefined;
  readonly text: string;
  readonly checksOwners: boolean;
  readonly prefix: string | undefined;
  readonly hooksDirectory: string | undefined;
  readonly temporaryDirectory: string | undefined;
  /** Each user's images are in USER/.sarus below it; undefined: in the user's home. */
  readonly repositoryBase: string | undefined;
  readonly centralRepository: string | undefined;
  readonly initPath: string | undefined;
  readonly siteMounts: readonly { readonly source: string; readonly target: string; readonly isReadOnly: boolean }[];
  readonly siteDevices: readonly { readonly source: string; readonly target: string; readonly access: DeviceAccess }[];
  readonly environment: {
    readonly set: ReadonlyMap<string, string>;
    readonly prepend: ReadonlyMap<string, string>;
    readonly append: ReadonlyMap<string, string>;
    readonly unset: readonly string[];
  };
  readonly forbiddenPaths: readonly string[];
  readonly forbiddenTrees: readonly string[];
  readonly defaultMpiType: string | undefined;
  readonly supportsPmix3: boolean;
};

const empty: ReadonlyMap<string, string> = new Map();

/** What is without a configuration: the restrictions on mounts that Sarus documents as its own. */
const noSite: SarusSite = {
  file: undefined,
  text: '',
  checksOwners: true,
  prefix: undefined,
  hooksDirectory: undefined,
  temporaryDirectory: undefined,
  repositoryBase: undefined,
  centralRepository: undefined,
  initPath: undefined,
  siteMounts: [],
  siteDevices: [],
  environment: { set: empty, prepend: empty, append: empty, unset: [] },
  forbiddenPaths: ['/opt'],
  forbiddenTrees: ['/etc', '/var', '/opt/sarus'],
  defaultMpiType: undefined,
  supportsPmix3: false,
};

const required = [
  'securityChecks',
  'OCIBundleDir',
  'rootfsFolder',
  'prefixDir',
  'tempDir',
  'localRepositoryBaseDir',
  'skopeoPath',
  'umociPath',
  'mksquashfsPath',
  'initPath',
  'runcPath',
  'ramFilesystemType',
] as const;
const optional = [
  'hooksDir',
  'centralizedRepositoryDir',
  'mksquashfsOptions',
  'siteMounts',
  'siteDevices',
  'environment',
  'userMounts',
  'seccompProfile',
  'apparmorProfile',
  'selinuxLabel',
  'selinuxMountLabel',
  'containersPolicy',
  'containersRegistries.dPath',
  'defaultMPIType',
  'enablePMIxv3Support',
  'repositoryMetadataLockTimings',
] as const;
const paths = [
  'OCIBundleDir',
  'prefixDir',
  'hooksDir',
  'tempDir',
  'localRepositoryBaseDir',
  'centralizedRepositoryDir',
  'skopeoPath',
  'umociPath',
  'mksquashfsPath',
  'initPath',
  'runcPath',
  'seccompProfile',
  'containersRegistries.dPath',
] as const;

/**
 * Reads the site's file: $SLIPWAY_SARUS_JSON, etc/sarus.json of this installation, /etc/sarus/sarus.json, or that of an
 * installation of Sarus at its usual place, whichever is first.
 * @throws SlipwayError `sarus-json`
 */
export function findSarusSite(inputs: Inputs): SarusSite {
  const named = inputs.environment('SLIPWAY_SARUS_JSON') ?? '';
  const prefix = installationPrefix();
  const places =
    named === ''
      ? [
          ...(prefix === undefined ? [] : [`${prefix}/etc/sarus.json`]),
          '/etc/sarus/sarus.json',
          '/opt/sarus/default/etc/sarus.json',
        ]
      : [inputs.absolute(named)];
  for (const file of places) {
    const text = inputs.readText(file);
    if (text !== undefined) return parseSarusJson(text, file);
  }
  if (named !== '') throw new SlipwayError('sarus-json', { path: named, reason: 'there is no such file' });
  return noSite;
}

/** @throws SlipwayError `sarus-json` with the member that is wrong */
function parseSarusJson(text: string, file: string): SarusSite {
  const refuse = (reason: string): never => {
    throw new SlipwayError('sarus-json', { path: file, reason });
  };
  const top = parseChecked(text, refuse);
  for (const name of required) if (!top.has(name)) refuse(`${name} is missing`);
  const known: readonly string[] = [...required, ...optional];
  const other = top.names.find((name) => !known.includes(name));
  if (other !== undefined) refuse(`${other} is no member that is known`);
  for (const name of paths) {
    const path = top.string(name);
    if (path !== undefined && !path.startsWith('/')) refuse(`${name} "${path}" is not absolute`);
  }
  const memory = top.string('ramFilesystemType');
  if (memory !== 'tmpfs' && memory !== 'ramfs')
    refuse(`ramFilesystemType "${memory ?? ''}" is neither tmpfs nor ramfs`);
  if (top.string('rootfsFolder')?.includes('/') === true) refuse('rootfsFolder is no name');
  const environment = top.object('environment');
  const userMounts = top.object('userMounts');
  return {
    file,
    text,
    checksOwners: top.boolean('securityChecks') ?? true,
    prefix: top.string('prefixDir'),
    hooksDirectory: top.string('hooksDir'),
    temporaryDirectory: top.string('tempDir'),
    repositoryBase: top.string('localRepositoryBaseDir'),
    centralRepository: top.string('centralizedRepositoryDir'),
    initPath: top.string('initPath'),
    siteMounts: (top.objects('siteMounts') ?? []).map(readSiteMount),
    siteDevices: (top.objects('siteDevices') ?? []).map(readSiteDevice),
    environment: {
      set: environment?.map('set') ?? empty,
      prepend: environment?.map('prepend') ?? empty,
      append: environment?.map('append') ?? empty,
      unset: environment?.strings('unset') ?? [],
    },
    forbiddenPaths: userMounts?.strings('notAllowedPaths') ?? [],
    forbiddenTrees: userMounts?.strings('notAllowedPrefixesOfPath') ?? [],
    defaultMpiType: top.string('defaultMPIType'),
    supportsPmix3: top.boolean('enablePMIxv3Support') ?? false,
  };
}

function readSiteMount(mount: CheckedObject): SarusSite['siteMounts'][number] {
  const source = absolute(mount, 'source') ?? mount.refuse('source', 'is missing');
  const target = absolute(mount, 'destination') ?? mount.refuse('destination', 'is missing');
  if (mount.string('type') !== 'bind') mount.refuse('type', 'is not "bind"');
  const flags = mount.object('flags');
  const other = flags?.names.find((name) => name !== 'readonly');
  if (other !== undefined) mount.refuse('flags', `has "${other}", and only readonly is a flag`);
  return { source, target, isReadOnly: flags?.has('readonly') ?? false };
}

function readSiteDevice(device: CheckedObject): SarusSite['siteDevices'][number] {
  const source = absolute(device, 'source') ?? device.refuse('source', 'is missing');
  const access = parseAccess(device.string('access') ?? 'rwm');
  if (typeof access === 'string') return device.refuse('access', `is wrong: ${access}`);
  return { source, target: absolute(device, 'destination') ?? source, access };
}

function absolute(object: CheckedObject, name: string): string | undefined {
  const path = object.string(name);
  return path === undefined || posix.isAbsolute(path) ? path : object.refuse(name, `"${path}" is not absolute`);
}
