// SPDX-License-Identifier: Apache-2.0
// From the words of `setupRoot` to what is to be prepared. They come from a job's owner by way of the batch system: each is
// checked here.
import { describeGetoptError, parseArguments } from '../../../formats/getopt/index.ts';
import { parsePublicKey } from '../../../formats/openssh/index.ts';
import { SlipwayError } from '../../../model/index.ts';
import { defaultUdiRootPath, splitModules, type VolumeMap } from '../../../site/index.ts';
import { readVolumes } from '../ask.ts';
import { parseImage } from '../image-choice.ts';
import { setupRoot, setupRootOptions } from './description.ts';

export type SetupRootAsk = {
  readonly configPath: string;
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  /** A line each, as often as the node has tasks. */
  readonly hosts?: readonly string[];
  /** Whom the container's sshd lets in: a public key, or who knows the secret that standard input has. Absent: none is wanted. */
  readonly ssh?: { readonly publicKey: string } | 'secret';
  /** The container is in its place: its sshd is to be started, and nothing else. */
  readonly isServing: boolean;
  readonly volumes: readonly VolumeMap[];
  /** Undefined: the site's default ones. */
  readonly moduleNames?: readonly string[];
  readonly isVerbose: boolean;
  readonly image: { readonly type: 'id' | 'local'; readonly name: string; readonly request: string };
};

const maxHosts = 1_000_000;

/** @throws SlipwayError `usage`, `shifter-volume-invalid`, `shifter-image-malformed` */
export function askSetupRoot(words: readonly string[]): SetupRootAsk {
  const usage = (reason: string): never => {
    throw new SlipwayError('usage', { command: setupRoot.name, reason });
  };
  const parsed = parseArguments(setupRootOptions, words.slice(1), setupRoot.rules);
  if (!parsed.ok) return usage(describeGetoptError(parsed.error));
  const [type, name, ...more] = parsed.operands;
  if (type === undefined || name === undefined || more.length > 0) return usage('TYPE and IMAGE are wanted');
  if (type !== 'id' && type !== 'local') return usage(`"${type}" is neither id nor local: names are looked up before`);
  const all = (wanted: string): readonly string[] =>
    parsed.options.filter((option) => option.name === wanted).map(({ value }) => value ?? '');
  const last = (wanted: string): string | undefined => all(wanted).at(-1);
  const id = (option: 'uid' | 'gid'): number => {
    const text = last(option) ?? '';
    return /^[0-9]{1,10}$/.test(text) && Number(text) < 0xffff_ffff
      ? Number(text)
      : usage(`--${option}: "${text}" is no id`);
  };
  const volumes = readVolumes(all('volume').join(';'));
  const modules = last('modules');
  const nodes = last('nodes');
  const hosts =
    nodes === undefined ? undefined : (parseHosts(nodes) ?? usage(`--nodes: "${nodes.slice(0, 100)}" is not HOST/N …`));
  const key = last('ssh-key');
  const publicKey = key === undefined || key === '-' ? undefined : parsePublicKey(key);
  if (key !== undefined && key !== '-' && publicKey === undefined)
    return usage('--ssh-key: this is no public key of OpenSSH: TYPE BASE64 [COMMENT]');
  return {
    configPath: last('config') ?? defaultUdiRootPath,
    uid: id('uid'),
    gid: id('gid'),
    userName: last('user') ?? usage('--user is missing'),
    ...(hosts === undefined ? {} : { hosts }),
    ...(key === undefined ? {} : { ssh: publicKey === undefined ? 'secret' : { publicKey } }),
    isServing: parsed.options.some((option) => option.name === 'serve'),
    volumes,
    ...(modules === undefined ? {} : { moduleNames: splitModules(modules) }),
    isVerbose: last('verbose') !== undefined || parsed.options.some((option) => option.name === 'verbose'),
    image: { type, name: parseImage(`${type}:${name}`, type).name, request: `${type}:${name}` },
  };
}

/** `n1/2 n2/1` is n1, n1 and n2; undefined where it is none of this. */
function parseHosts(text: string): readonly string[] | undefined {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const hosts: string[] = [];
  for (const word of words) {
    const found = /^([A-Za-z0-9._-]+)(?:\/([0-9]{1,6}))?$/.exec(word);
    if (found === null) return undefined;
    const times = Number(found[2] ?? 1);
    if (hosts.length + times > maxHosts) return undefined;
    for (let index = 0; index < times; index += 1) hosts.push(found[1] ?? '');
  }
  return hosts;
}
