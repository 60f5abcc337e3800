// SPDX-License-Identifier: Apache-2.0
// The ssh hook: an ssh server in the container, a client that finds those in the containers of other nodes, and a key that
// both know. Server and client are the site's own Dropbear, linked statically. It listens as the user, in the container's
// pid namespace, and so is gone when the program has ended.
import { posix } from 'node:path';
import { type Adaptation, type EnvironmentEdit, type MountRequest, SlipwayError } from '../../model/index.ts';
import { type HookContext, type HookEffects, type HookSettings, nothing } from './settings.ts';
import { hostKey, sshKeysDirectory, userKey } from './ssh-keys.ts';

const place = '/opt/oci-hooks/ssh';
const usualPort = '15263';
const usualPidFile = '/var/run/dropbear.pid';

/** @throws SlipwayError `hook-setting`, `sarus-ssh-keys` */
export function sshEffects(settings: HookSettings, context: HookContext): HookEffects {
  // The other ways to call it are for `sarus ssh-keygen`.
  if (settings.words[0] !== 'start-ssh-daemon') return nothing;
  const { inputs, annotations, person } = context;
  const base = absolute(settings, 'HOOK_BASE_DIR');
  const dropbear = absolute(settings, 'DROPBEAR_DIR');
  const port =
    annotations.get('com.hooks.ssh.port') ??
    settings.value('SERVER_PORT_DEFAULT') ??
    settings.value('SERVER_PORT') ??
    usualPort;
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) {
    throw new SlipwayError('hook-setting', { hook: settings.subject, reason: `the port "${port}" is none` });
  }
  const keys = sshKeysDirectory(posix.join(base, person.userName));
  const publicKey = inputs.readText(posix.join(keys, `${userKey}.pub`))?.trim();
  if (publicKey === undefined || inputs.kindOf(posix.join(keys, hostKey)) !== 'file') {
    throw new SlipwayError('sarus-ssh-keys', { path: keys });
  }
  const authorized = [publicKey, ...moreKeys(context)].map((key) => `${key}\n`).join('');
  const pidFile = annotations.get('com.hooks.ssh.pidfile_container') ?? usualPidFile;
  const isHomeCovered = settings.value('OVERLAY_MOUNT_HOME_SSH')?.toLowerCase() !== 'false';
  const mounts: readonly MountRequest[] = [
    {
      kind: 'tree',
      entries: [
        { path: 'dropbear', kind: 'directory' },
        { path: 'keys', kind: 'directory' },
        { path: 'environment', kind: 'file', content: environmentScript(context.edits) },
        { path: 'ssh', kind: 'file', content: clientScript(port), isExecutable: true },
      ],
      target: place,
      flags: { nosuid: true },
    },
    readOnly(dropbear, `${place}/dropbear`),
    readOnly(keys, `${place}/keys`),
    inside(`${place}/ssh`, '/usr/bin/ssh'),
    inside(`${place}/environment`, '/etc/profile.d/ssh-hook.sh'),
    ...(isHomeCovered
      ? [
          {
            kind: 'tree',
            entries: [{ path: 'authorized_keys', kind: 'file', content: authorized }],
            target: posix.join(person.home, '.ssh'),
            flags: { nosuid: true },
          } as const,
        ]
      : []),
  ];
  const adaptation: Adaptation = {
    origin: settings.origin('start-ssh-daemon'),
    mounts,
    environment: [],
    hooks: [
      {
        stage: 'startContainer',
        path: `${place}/dropbear/bin/dropbear`,
        args: ['dropbear', '-r', `${place}/keys/${hostKey}`, '-p', port, '-P', pidFile],
        env: ['PATH=/usr/local/bin:/usr/bin:/bin'],
        timeoutSeconds: 60,
      },
    ],
  };
  return { adaptations: [adaptation], needsLibraryCache: false };
}

function absolute(settings: HookSettings, name: string): string {
  const path = settings.value(name) ?? '';
  if (path.startsWith('/')) return path;
  throw new SlipwayError('hook-setting', { hook: settings.subject, reason: `${name} names no directory` });
}

/** Of a person who logs in from elsewhere: the path of his public key. */
function moreKeys({ annotations, inputs }: HookContext): readonly string[] {
  const path = annotations.get('com.hooks.ssh.authorize_ssh_key');
  if (path === undefined) return [];
  const key = path.startsWith('/') ? inputs.readText(path, 64 << 10)?.trim() : undefined;
  if (key !== undefined && key !== '') return [key];
  const reason = `com.hooks.ssh.authorize_ssh_key: "${path}" is no file with a public key`;
  throw new SlipwayError('hook-setting', { hook: 'ssh_hook', reason });
}

/** All containers of a person's have the same key: a host's name says nothing of which is meant, so none is remembered. */
function clientScript(port: string): string {
  return `#!/bin/sh\nexec ${place}/dropbear/bin/dbclient -y -y -p ${port} -i ${place}/keys/${userKey} "$@"\n`;
}

/** What image, site and person set, for those who log in. */
function environmentScript(edits: readonly EnvironmentEdit[]): string {
  return edits
    .flatMap((edit) =>
      edit.edit === 'set' && /^[A-Za-z_]\w*$/.test(edit.name)
        ? [`export ${edit.name}='${edit.value.replaceAll("'", String.raw`'\''`)}'\n`]
        : [],
    )
    .join('');
}

function readOnly(source: string, target: string): MountRequest {
  return { kind: 'bind', source, target, flags: { recursive: true, nosuid: true, readOnly: true } };
}

/** Something of the container's, shown at another place of it. */
function inside(source: string, target: string): MountRequest {
  return { kind: 'bind', source, target, flags: { inside: true, nosuid: true, readOnly: true } };
}
