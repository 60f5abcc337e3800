// SPDX-License-Identifier: Apache-2.0
// One small image in the three forms in which `slipway run` takes images: unpacked, as a squashfs file, and pulled
// from a registry. It is busybox with what a launch has to do with: accounts, names of hosts, empty and full directories.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, runOk } from '../support/command.ts';
import { realImage } from '../support/images.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { pushImage, type Registry } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import type { TestUser } from '../support/user.ts';

/** What `needs` must find for the functions below. */
export const imageCommands: readonly string[] = ['mmdebstrap', 'umoci', 'mksquashfs', 'setpriv'];

/** Who makes images: a test user, or whoever else can run programs in a home. */
export type ImageUser = Pick<TestUser, 'home' | 'runOk'>;

export type LocalImages = {
  readonly directory: string;
  readonly squashfs: string;
};

/** Files of the image besides busybox: by path, text; a path that ends in a slash is a directory. */
const furniture: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n',
  'etc/group': 'root:x:0:\ndaemon:x:1:\n',
  'etc/hosts': '127.0.0.1 of-the-image\n',
  'etc/resolv.conf': 'nameserver 192.0.2.1\n',
  'mnt/': '',
  'srv/': '',
  'work/note': 'from the image\n',
  'work/other': 'also from the image\n',
};

/** Makes the image at home: `~/image` unpacked and the user's own, `~/image.squashfs` with root as the owner of all. */
export async function makeImages(user: ImageUser): Promise<LocalImages> {
  const directory = join(user.home, 'image');
  await unpack(await busyboxLayer(), directory, user);
  const squashfs = join(user.home, 'image.squashfs');
  await makeSquashfs(directory, squashfs, user);
  return { directory, squashfs };
}

/** Packs a directory as the user, with root as the owner of all. */
export async function makeSquashfs(directory: string, file: string, user: ImageUser): Promise<void> {
  await user.runOk(['mksquashfs', directory, file, '-all-root', '-no-progress', '-quiet', '-noappend']);
}

/** Pushes the unpacked image with this configuration to a registry, and pulls it as the user; gives its full name. */
export async function pullImage(
  directory: string,
  given: { readonly registry: Registry; readonly name: string; readonly config: object; readonly user: TestUser },
): Promise<string> {
  const name = await pushTree(directory, given);
  await given.user.runOk(['slipway', 'pull', name]);
  return name;
}

/** Pushes the unpacked image as `NAME:TAG`; gives its full name. */
export async function pushTree(
  directory: string,
  given: { readonly registry: Registry; readonly name: string; readonly config: object },
): Promise<string> {
  const work = temporaryDirectory();
  const archive = join(work, 'layer.tar');
  await runOk([
    'tar',
    '-C',
    directory,
    '--numeric-owner',
    '--owner=0',
    '--group=0',
    '--sort=name',
    '-cf',
    archive,
    '.',
  ]);
  const layout = join(work, 'layout');
  writeLayout(layout, 'latest', [{ layers: [readFileSync(archive)], config: given.config }]);
  const name = `${given.registry.address}/${given.name}`;
  await pushImage({ layout, tag: 'latest' }, name);
  return name;
}

async function unpack(layer: string, directory: string, user: ImageUser): Promise<void> {
  const script = [
    'mkdir "$1"',
    // A user can't make device nodes; the machine's /dev is mounted there anyway.
    `tar -C "$1" -xzf "$2" --exclude='./dev/*'`,
    ...Object.keys(furniture).map((path) => `mkdir -p "$1/${path.slice(0, path.lastIndexOf('/'))}"`),
    ...Object.entries(furniture)
      .filter(([path]) => !path.endsWith('/'))
      .map(([path, text]) => `printf %s '${text}' > "$1/${path}"`),
  ].join('\n');
  await user.runOk(['sh', '-euc', script, 'sh', directory, layer]);
}

/** The one layer of the busybox image, a gzipped tar. */
async function busyboxLayer(): Promise<string> {
  const layout = await realImage('busybox');
  const read = (digest: string): unknown =>
    JSON.parse(readFileSync(join(layout, 'blobs', digest.replace(':', '/')), 'utf8'));
  const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as Listing;
  const manifest = read(index.manifests?.[0]?.digest ?? '') as Listing;
  return join(layout, 'blobs', (manifest.layers?.[0]?.digest ?? '').replace(':', '/'));
}

type Listing = {
  readonly manifests?: readonly { readonly digest: string }[];
  readonly layers?: readonly { readonly digest: string }[];
};

/** Compiles a C program of this folder statically, so that it runs in any image. */
export async function compileStatic(source: string, output: string): Promise<void> {
  const compiler = (await run(['sh', '-c', 'command -v musl-gcc || command -v cc'])).stdout.trim();
  await runOk([compiler, '-static', '-O1', '-D_GNU_SOURCE', '-o', output, join(import.meta.dirname, source)]);
}

/** Writes a file as root would, but the user's own. */
export async function writeAs(user: TestUser, path: string, text: string, mode = '644'): Promise<void> {
  await user.runOk(['sh', '-c', 'cat > "$1" && chmod "$2" "$1"', 'sh', path, mode], { input: text });
}
