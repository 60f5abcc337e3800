// SPDX-License-Identifier: Apache-2.0
// A site of Shifter for tests: udiRoot.conf and what it names, all of it root's, and a store of images in the gateway's
// layout.
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runOk } from '../support/command.ts';
import { realImage, type RealImage } from '../support/images.ts';
import { needs } from '../support/needs.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import type { TestUser } from '../support/user.ts';

/** What `needs` must find, with `root: true`. */
export const siteCommands: readonly string[] = ['mmdebstrap', 'umoci', 'mksquashfs', 'setpriv'];

/**
 * For a shell in a container: `root` where a prolog made it, `user` where shifter did. Its root belongs to who laid it over
 * the image, and root's has no name in there.
 */
export const maker = '$([ "$(stat -c %u /)" = "$(id -u)" ] && echo user || echo root)';

/** Why there can be no perNodeCache here. */
export const noXfs: string | false =
  needs({ commands: ['mkfs.xfs'] }) ||
  (!readFileSync('/proc/filesystems', 'utf8').includes('xfs') && 'machine: this kernel has no xfs');

export type TestSite = {
  readonly directory: string;
  readonly configPath: string;
  readonly imagePath: string;
  readonly udiMount: string;
  /** For `shifter`. */
  readonly env: { readonly SLIPWAY_UDIROOT_CONF: string };
  /** Writes udiRoot.conf anew: the plain one with these lines behind it, which win. */
  readonly configure: (...lines: readonly string[]) => void;
  /** Puts an image into the store under this identity, with these lines in its .meta; `isForeign` says that Slipway did not make it. */
  readonly addImage: (
    identity: string,
    image: ImageSource,
    meta?: readonly string[],
    isForeign?: boolean,
  ) => Promise<void>;
  /** A file of root's, with the directories above it. */
  readonly write: (path: string, text: string, mode?: number) => string;
};

export type ImageSource =
  | { readonly real: RealImage }
  /** A directory, packed with root as the owner of all. */
  | { readonly tree: string };

/** Makes a site whose passwd file knows these users. It goes with the calling suite. */
export function makeSite(users: readonly Pick<TestUser, 'name' | 'uid' | 'gid' | 'home'>[]): TestSite {
  const directory = temporaryDirectory();
  chmodSync(directory, 0o755);
  const at = (name: string): string => join(directory, name);
  for (const name of ['images', 'etc', 'udiMount', 'loopMount', 'share']) mkdirSync(at(name), { mode: 0o755 });
  const write = (path: string, text: string, mode = 0o644): string => {
    const full = at(path);
    mkdirSync(dirname(full), { recursive: true, mode: 0o755 });
    writeFileSync(full, text, { mode });
    chmodSync(full, mode);
    return full;
  };
  write(
    'etc/passwd',
    users.map(({ name, uid, gid, home }) => `${name}:x:${uid}:${gid}:Test:${home}:/bin/sh\n`).join(''),
  );
  write(
    'etc/group',
    ['root:x:0:', 'site:x:5000:', ...users.map(({ name, gid }) => `${name}:x:${gid}:`), ''].join('\n'),
  );
  write('etc/nsswitch.conf', 'passwd: files\ngroup: files\n');
  const configPath = at('udiRoot.conf');
  const configure = (...lines: readonly string[]): void => {
    const tools = ['modprobe', 'insmod', 'cp', 'mv', 'chmod', 'dd'].map((name) => `${name}Path=/bin/sh`);
    const plain = [
      `udiMount=${at('udiMount')}`,
      `loopMount=${at('loopMount')}`,
      `imagePath=${at('images')}`,
      `udiRootPath=${directory}`,
      `etcPath=${at('etc')}`,
      'rootfsType=tmpfs',
      'system=test',
      'defaultImageType=docker',
      'mountUdiRootWritable=1',
      'maxGroupCount=31',
      ...tools,
    ];
    write('udiRoot.conf', [...plain, ...lines, ''].join('\n'));
  };
  configure();
  return {
    directory,
    configPath,
    imagePath: at('images'),
    udiMount: at('udiMount'),
    env: { SLIPWAY_UDIROOT_CONF: configPath },
    configure,
    write,
    addImage: async (identity, image, meta = [], isForeign = false) => {
      await packImage(image, at(`images/${identity}.squashfs`));
      write(
        `images/${identity}.meta`,
        [...(isForeign ? [] : ['# converted by Slipway']), 'FORMAT: squashfs', ...meta, ''].join('\n'),
      );
    },
  };
}

/** At its usual level mksquashfs takes fifty times as long for zstd. */
const quickly: readonly string[] = ['-comp', 'zstd', '-Xcompression-level', '1'];

async function packImage(image: ImageSource, file: string): Promise<void> {
  const tree = 'tree' in image ? image.tree : await unpack(image.real);
  await runOk(['mksquashfs', tree, file, '-all-root', '-no-progress', '-quiet', '-noappend', ...quickly]);
}

const unpacked = new Map<RealImage, Promise<string>>();

async function unpack(name: RealImage): Promise<string> {
  const known = unpacked.get(name);
  if (known !== undefined) return await known;
  const work = (async () => {
    const layout = await realImage(name);
    const bundle = join(temporaryDirectory(), 'bundle');
    await runOk(['umoci', 'unpack', '--image', `${layout}:latest`, bundle]);
    return join(bundle, 'rootfs');
  })();
  unpacked.set(name, work);
  return await work;
}

/** A copy of an unpacked image, for a test to change. */
export async function copyTree(name: RealImage): Promise<string> {
  const copy = join(temporaryDirectory(), 'tree');
  cpSync(await unpack(name), copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}
