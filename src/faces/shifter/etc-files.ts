// SPDX-License-Identifier: Apache-2.0
// What a container has in /etc over the image's own: the site's files, or ones made for the person, with the groups that
// a C library without the site's name service can bear.
import type { MadeEntry } from '../../model/index.ts';
import { SlipwayError } from '../../model/index.ts';
import type { UdiRoot } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import { accountByName, groupIdsOf, groupNameFromNameService } from '../../sys/name-service.ts';
import type { ContainerUser } from './container-user.ts';

const nsswitch = [
  ...[
    'passwd',
    'group',
    'shadow',
    'services',
    'protocols',
    'rpc',
    'ethers',
    'netmasks',
    'netgroup',
    'publickey',
    'bootparams',
    'automount',
    'aliases',
  ].map((database) => `${database}: files`),
  ...['hosts', 'networks'].map((database) => `${database}: files dns`),
  '',
].join('\n');

/** Made for each container; a site's file of this name would be lost. */
const ownNames = ['mtab', 'hosts', 'resolv.conf', 'shadow', 'group.orig', 'udiImage', 'ssh'];

/**
 * The entries of /etc, as paths relative to the root.
 * @throws SlipwayError `shifter-etc-unusable`
 */
export function etcFiles(udiRoot: UdiRoot, user: ContainerUser, inputs: Inputs): readonly MadeEntry[] {
  const files = new Map(
    udiRoot.populateEtcDynamically ? madeFiles(udiRoot, user, inputs) : sitesFiles(udiRoot, inputs),
  );
  for (const name of ['hosts', 'resolv.conf']) files.set(name, hostsFile(name, inputs));
  const group = files.get('group') ?? '';
  files.set('group.orig', group);
  files.set('group', filterGroups(group, user.name, udiRoot.maxGroupCount));
  files.set('shadow', '');
  return [
    ...[...files].map(([name, content]) => ({ path: `etc/${name}`, kind: 'file', content }) as const),
    { path: 'etc/mtab', kind: 'link', target: '/proc/mounts' },
  ];
}

/**
 * A group file without root's group and without members, but that `userName` stays one of the first `maxGroups` groups
 * that list him or have his name: lines grow too long for some C libraries otherwise.
 */
export function filterGroups(text: string, userName: string, maxGroups: number): string {
  let mine = 0;
  const lines = text.split('\n').flatMap((line) => {
    const [name = '', , gid = '', members] = line.split(':');
    if (name === '' || members === undefined || !/^[0-9]{1,10}$/.test(gid) || Number(gid) === 0) return [];
    const isMine = name === userName || members.split(',').some((member) => member.trim() === userName);
    const isKept = isMine && mine < maxGroups;
    if (isKept) mine += 1;
    return [`${name}:x:${gid}:${isKept ? userName : ''}`];
  });
  return lines.map((line) => `${line}\n`).join('');
}

function* sitesFiles(udiRoot: UdiRoot, inputs: Inputs): Generator<readonly [string, string]> {
  const { etcPath } = udiRoot;
  const fail = (reason: string): never => {
    throw new SlipwayError('shifter-etc-unusable', { path: etcPath, reason });
  };
  const names = inputs.listDirectory(etcPath) ?? fail('there is no such directory');
  for (const name of ['passwd', 'group', 'nsswitch.conf']) if (!names.includes(name)) fail(`it has no ${name}`);
  for (const name of names) {
    if (ownNames.includes(name) && name !== 'shadow') fail(`${name} is made for each container; take it out of there`);
    yield [name, inputs.readText(`${etcPath}/${name}`) ?? fail(`${name} is no file`)];
  }
}

function* madeFiles(udiRoot: UdiRoot, user: ContainerUser, inputs: Inputs): Generator<readonly [string, string]> {
  const others = udiRoot.usersToImport.filter((name) => name !== user.name);
  const accounts = others.map((name) => {
    const account = accountByName(name);
    if (account !== undefined) return { ...account, groups: groupIdsOf(name) };
    throw new SlipwayError('shifter-etc-unusable', { path: 'usersToImport', reason: `there is no user ${name}` });
  });
  const everyone = [user, ...accounts];
  const passwd = everyone.map(({ name, uid, gid, fullName, home, shell }) =>
    [name, 'x', uid, gid, fullName, home, shell].map(field).join(':'),
  );
  const names = new Map(
    (inputs.readText('/etc/group') ?? '').split('\n').map((line) => {
      const [name = '', , gid = ''] = line.split(':');
      return [gid, name] as const;
    }),
  );
  const members = new Map<number, string[]>();
  for (const { name, gid, groups } of everyone) {
    for (const each of new Set([gid, ...groups])) members.set(each, [...(members.get(each) ?? []), name]);
  }
  const group = [...members].flatMap(([gid, who]) => {
    const name = names.get(String(gid)) ?? groupNameFromNameService(gid);
    // The filter keeps the user's own memberships.
    return name === undefined || gid === 0 ? [] : [`${name}:x:${gid}:${who.join(',')}`];
  });
  yield ['passwd', passwd.map((line) => `${line}\n`).join('')];
  yield ['group', group.map((line) => `${line}\n`).join('')];
  yield ['nsswitch.conf', nsswitch];
  yield ['host.conf', 'order bind,hosts\nmulti on\n'];
}

function hostsFile(name: string, inputs: Inputs): string {
  const text = inputs.readText(`/etc/${name}`);
  if (text !== undefined) return text;
  throw new SlipwayError('shifter-etc-unusable', { path: `/etc/${name}`, reason: 'this node has no such file' });
}

function field(value: string | number): string {
  return String(value).replaceAll(/[:\n]/g, '_');
}
