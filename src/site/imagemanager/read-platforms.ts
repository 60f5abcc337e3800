// SPDX-License-Identifier: Apache-2.0
import { isAbsolute } from 'node:path';
import type { Fields } from './fields.ts';
import type { PlatformConfig, RemoteAccess } from './types.ts';

const defaultMungeSocket = '/run/munge/munge.socket.2';

export function readPlatforms(fields: Fields, absolute: (path: string) => string): ReadonlyMap<string, PlatformConfig> {
  const platforms = new Map<string, PlatformConfig>();
  const section = fields.map('Platforms');
  if (section === undefined) {
    fields.problem('error', 'Platforms', 'it is missing: the systems that images are for');
    return platforms;
  }
  for (const name of section.names()) {
    const each = section.map(name);
    if (each === undefined) continue;
    if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name)) {
      section.problem('error', name, 'a system is named by letters, digits, dots, dashes and underscores');
    }
    platforms.set(name, readPlatform(name, each, absolute));
    each.finish();
  }
  checkShared(section, platforms);
  return platforms;
}

/** uname(1)'s words and others for what OCI calls otherwise. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ['x86_64', 'amd64'],
  ['x64', 'amd64'],
  ['x86', '386'],
  ['i686', '386'],
  ['aarch64', 'arm64'],
]);

function readPlatform(name: string, fields: Fields, absolute: (path: string) => string): PlatformConfig {
  const access = fields.text('accesstype');
  const socket = fields.text('mungeSocketPath');
  const admins = fields.texts('admins') ?? [];
  const architecture = fields.text('architecture');
  for (const key of ['usergroupService', 'mountCommand']) {
    fields.ignore(key, "Shifter's gateway does nothing with it either");
  }
  for (const key of ['use_external', 'policy_file']) {
    fields.ignore(key, 'images are fetched by Slipway itself, not by skopeo');
  }
  const hosts = fields.texts('host') ?? [];
  const ssh = fields.map('ssh');
  const local = fields.map('local');
  const username = ssh?.text('username');
  const keyPath = ssh?.text('key');
  const options = ssh?.texts('sshCmdOptions') ?? [];
  ssh?.ignore(
    'scpCmdOptions',
    'files go through ssh too, with sshCmdOptions, so that a broken transfer can be resumed',
  );
  const remoteDirectory = ssh?.text('imageDir');
  const localDirectory = local?.text('imageDir');
  ssh?.finish();
  local?.finish();
  const [host] = hosts;
  const isRemote = access === 'remote';
  const directory = (isRemote ? remoteDirectory : localDirectory) ?? '';
  const directoryKey = isRemote ? 'ssh' : 'local';
  if (!isRemote && access !== 'local')
    fields.problem('error', 'accesstype', `it has to be local or remote, not ${access ?? 'missing'}`);
  if (directory === '')
    fields.problem('error', directoryKey, 'imageDir is missing in it: where the runtime looks for images');
  else if (!isAbsolute(directory))
    fields.problem('error', directoryKey, `imageDir has to be an absolute path, not ${directory}`);
  if (isRemote && host === undefined) fields.problem('error', 'host', 'it is missing: where images are sent to');
  if (architecture !== undefined && otherNames.has(architecture))
    fields.problem('error', 'architecture', `images call it ${otherNames.get(architecture)}, not ${architecture}`);
  if (hosts.length > 1) fields.problem('warning', 'host', `only the first, ${host}, is used`);
  // The words would otherwise be options of ssh(1).
  for (const word of [host, username]) {
    if (word?.startsWith('-') === true) fields.problem('error', 'host', `"${word}" can be no host or user`);
  }
  const remote: RemoteAccess | undefined =
    isRemote && host !== undefined
      ? { host, username, keyPath: keyPath === undefined ? undefined : absolute(keyPath), options }
      : undefined;
  return {
    name,
    mungeSocketPath: socket === undefined ? defaultMungeSocket : absolute(socket),
    admins,
    imageDirectory: directory,
    remote,
    architecture,
  };
}

/** An image's file is named by what its tag points to in the registry, whatever the architecture. */
function checkShared(section: Fields, platforms: ReadonlyMap<string, PlatformConfig>): void {
  const seen = new Map<string, PlatformConfig>();
  for (const platform of platforms.values()) {
    if (platform.imageDirectory === '') continue;
    const place = `${platform.remote?.host ?? ''}:${platform.imageDirectory}`;
    const other = seen.get(place);
    if (other !== undefined && other.architecture !== platform.architecture) {
      section.problem(
        'error',
        platform.name,
        `it shares ${platform.imageDirectory} with ${other.name}, which has another architecture`,
      );
    }
    seen.set(place, platform);
  }
}
