// SPDX-License-Identifier: Apache-2.0
// What stands in /opt/udiImage/etc of a container with an sshd: its configuration and keys, and those of ssh in it. What
// optUdiImage's own sshd_config and ssh_config say stays, but for what makes the server the job's.
import { parsePort, privateKeyText, publicKeyText, withoutKeywords } from '../../../formats/openssh/index.ts';
import type { ServerIdentity } from './server-identity.ts';

export type ServerFile = {
  readonly name: string;
  readonly content: string;
  /** Of the job's user, and for nobody else to read; otherwise root's, for all. */
  readonly isPrivate: boolean;
};

export type ServerWish = {
  readonly identity: ServerIdentity;
  readonly userName: string;
  /** The job's nodes; none: not known. */
  readonly hosts: readonly string[];
  /** Of those who log in. */
  readonly variables: ReadonlyMap<string, string>;
  /** The site's own files, '' where it has none. */
  readonly site: { readonly sshd: string; readonly ssh: string };
};

/** Where the files are in the container. */
export const serverDirectory = '/opt/udiImage/etc';

const usualPort = 1204;

export function portOf({ site }: Pick<ServerWish, 'site'>): number {
  return parsePort(site.sshd) ?? usualPort;
}

export function serverFiles(wish: ServerWish): readonly ServerFile[] {
  const { identity } = wish;
  const forAll = (name: string, content: string): ServerFile => ({ name, content, isPrivate: false });
  const forUser = (name: string, content: string): ServerFile => ({ name, content, isPrivate: true });
  return [
    forAll('sshd_config', serverConfig(wish)),
    forAll('ssh_config', clientConfig(wish)),
    forAll('ssh_known_hosts', `* ${publicKeyText(identity.hostKey, 'job')}\n`),
    forUser('ssh_host_ed25519_key', privateKeyText(identity.hostKey, 'job')),
    forUser('user_auth_keys', `${identity.authorizedKey}\n`),
    ...(identity.clientKey === undefined ? [] : [forUser('ssh_job_key', privateKeyText(identity.clientKey, 'job'))]),
  ];
}

/** The first word on a matter counts in sshd_config(5); of what would add up, the site's lines are left out. */
function serverConfig(wish: ServerWish): string {
  const { userName, variables, site } = wish;
  const rest = withoutKeywords(site.sshd, [
    'allowgroups',
    'allowusers',
    'authorizedkeysfile',
    'denygroups',
    'denyusers',
    'hostkey',
    'listenaddress',
    'port',
    'subsystem',
  ]);
  return [
    `Port ${portOf(wish)}`,
    `HostKey ${serverDirectory}/ssh_host_ed25519_key`,
    `AllowUsers ${userName}`,
    `AuthorizedKeysFile ${serverDirectory}/user_auth_keys`,
    'AuthenticationMethods publickey',
    'PubkeyAuthentication yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    // In a user's namespace root's directories belong to nobody; these are root's all the same, and read-only.
    'StrictModes no',
    'PidFile none',
    'PermitUserEnvironment no',
    'Subsystem sftp internal-sftp',
    ...setEnvLines(variables),
    '',
    rest,
  ].join('\n');
}

function setEnvLines(variables: ReadonlyMap<string, string>): readonly string[] {
  const words = [...variables].flatMap(([name, value]) =>
    // A line has no way to say these.
    /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !/[\r\n\0]/.test(value)
      ? [`"${name}=${value.replaceAll(/[\\"]/g, '\\$&')}"`]
      : [],
  );
  return words.length === 0 ? [] : [`SetEnv ${words.join(' ')}`];
}

/** For the job's nodes alone, where they are known: elsewhere ssh goes as ever. */
function clientConfig(wish: ServerWish): string {
  const { identity, hosts, userName, site } = wish;
  const names = [...new Set(hosts)];
  const patterns =
    names.length === 0 ? ['*'] : ['localhost', '127.0.0.1', ...names, ...names.map((name) => `${name}.*`)];
  const known =
    identity.clientKey === undefined
      ? // Each node has a key that it made alone.
        [
          'IdentityFile ~/.udiRoot/id_rsa.key',
          'StrictHostKeyChecking no',
          'GlobalKnownHostsFile none',
          'LogLevel ERROR',
        ]
      : [
          `IdentityFile ${serverDirectory}/ssh_job_key`,
          'StrictHostKeyChecking yes',
          `GlobalKnownHostsFile ${serverDirectory}/ssh_known_hosts`,
        ];
  return [
    `Host ${patterns.join(' ')}`,
    ...[`Port ${portOf(wish)}`, `User ${userName}`, 'IdentitiesOnly yes', 'UserKnownHostsFile /dev/null', ...known].map(
      (line) => `    ${line}`,
    ),
    'Host *',
    site.ssh,
    '',
  ].join('\n');
}
