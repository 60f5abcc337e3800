// SPDX-License-Identifier: Apache-2.0
// Images made by hand, converted by us and unpacked by umoci, as trees that can be compared.
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Member, makeMember, writeArchive } from '../../src/formats/tar/archive.test-helper.ts';
import {
  type ConversionResult,
  type ConvertOptions,
  defaultConvertOptions,
  layersToSquashfs,
} from '../../src/image/convert/index.ts';
import type { LayerFile } from '../../src/image/types.ts';
import { type Digest, type PullEvent, parseDigest } from '../../src/model/index.ts';
import { run, runOk } from '../support/command.ts';
import { writeLayout } from '../support/oci-layout.ts';

export type Layer = readonly Member[];

export const dir = (path: string, mode = 0o755): Member =>
  makeMember({ path, type: 'directory', mode, mtimeSec: 1_000_000 });
export const file = (path: string, content: string | Buffer = '', mode = 0o644): Member =>
  makeMember({ path, content: Buffer.from(content as string, 'latin1'), mode, mtimeSec: 2_000_000 });
export const symlink = (path: string, linkTarget: string): Member =>
  makeMember({ path, type: 'symlink', linkTarget, mode: 0o777, mtimeSec: 3_000_000 });
export const hardlink = (path: string, linkTarget: string): Member =>
  makeMember({ path, type: 'hardlink', linkTarget });

export function digestOf(bytes: Buffer): Digest {
  const digest = parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
  if (digest === undefined) throw new Error('unreachable: a hash is a digest');
  return digest;
}

/** Writes a layer's blob below `directory`, compressed by `compress`, described as a verified download would be. */
export function writeLayerFile(
  directory: string,
  archive: Buffer,
  compress: (archive: Buffer) => Buffer = (bytes) => bytes,
): LayerFile {
  const blob = compress(archive);
  const digest = digestOf(blob);
  const path = join(directory, digest.slice(-16));
  writeFileSync(path, blob);
  return { path, digest, mediaType: 'application/octet-stream', sizeBytes: blob.length, diffId: digestOf(archive) };
}

export type Converted = ConversionResult & { readonly path: string; readonly events: readonly PullEvent[] };

export async function convert(
  directory: string,
  layers: readonly LayerFile[],
  options: Partial<ConvertOptions> & { readonly name?: string; readonly signal?: AbortSignal } = {},
): Promise<Converted> {
  const { name, signal, ...chosen } = options;
  const path = join(directory, name ?? 'image.squashfs');
  const events: PullEvent[] = [];
  const sources = layers.map(({ digest, path: blob, sizeBytes, diffId }) => ({
    name: digest,
    open: () => createReadStream(blob, { highWaterMark: 1 << 20 }),
    sizeBytes,
    ...(diffId === undefined ? {} : { diffId }),
  }));
  const result = await layersToSquashfs(sources, {
    name: 'the image',
    outputPath: path,
    options: { ...defaultConvertOptions, ...chosen },
    emit: (event) => events.push(event),
    signal: signal ?? new AbortController().signal,
  });
  return { ...result, path, events };
}

/** Unpacks with squashfs-tools, the independent reader, and lists what came out. */
export async function listImage(image: string, directory: string): Promise<ReadonlyMap<string, string>> {
  await runOk(['unsquashfs', '-quiet', '-no-progress', '-dest', directory, image]);
  return listTree(directory);
}

/** Unpacks with umoci; undefined where it refuses the image. */
export async function listByUmoci(
  layers: readonly Layer[],
  directory: string,
): Promise<ReadonlyMap<string, string> | undefined> {
  mkdirSync(directory);
  const layout = join(directory, 'layout');
  writeLayout(layout, 'latest', [{ layers: layers.map(writeArchive) }]);
  const bundle = join(directory, 'bundle');
  const { status } = await run(['umoci', 'unpack', '--image', `${layout}:latest`, bundle]);
  return status === 0 ? listTree(join(bundle, 'rootfs')) : undefined;
}

/**
 * Below a directory: path (one character a byte) → mode, owner, time, and content, target or kind. Names of one inode are given
 * the first of them. Directories have no time here: unpackers differ in what they leave.
 */
export function listTree(root: string): ReadonlyMap<string, string> {
  const lines = new Map<string, string>();
  const firstNames = new Map<number, string>();
  const visit = (directory: string): void => {
    const names = readdirSync(Buffer.from(join(root, directory), 'latin1'), { encoding: 'latin1' }).sort();
    for (const name of names) {
      const path = directory === '' ? name : `${directory}/${name}`;
      const real = Buffer.from(`${root}/${path}`, 'latin1');
      const stat = lstatSync(real);
      const isDirectory = stat.isDirectory();
      const words = [stat.mode.toString(8), stat.uid, stat.gid, isDirectory ? '-' : Math.floor(stat.mtimeMs / 1000)];
      if (stat.isFile()) {
        const first = firstNames.get(stat.ino) ?? path;
        firstNames.set(stat.ino, first);
        words.push(first, stat.size, digestOfFile(real));
      } else if (stat.isSymbolicLink()) {
        words.push(readlinkSync(real, 'latin1'));
      }
      lines.set(path, words.join(' '));
      if (isDirectory) visit(path);
    }
  };
  visit('');
  return lines;
}

/** Piece by piece: a file may be larger than memory. */
function digestOfFile(path: Buffer): string {
  const file = openSync(path, 'r');
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(1 << 22);
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer))
      hash.update(buffer.subarray(0, read));
    return `sha256:${hash.digest('hex')}`;
  } finally {
    closeSync(file);
  }
}

/** What the conversion adds to every image, and what it removes from it. */
const skeleton =
  /^(?:dev|proc|sys|tmp|home|root|run|mnt|usr|usr\/bin|var|var\/tmp|etc|etc\/(?:passwd|group|hosts|resolv\.conf))$/;

/** Lines that differ between umoci's tree and ours, but for the skeleton and what is below /dev. */
export function differences(
  expected: ReadonlyMap<string, string>,
  actual: ReadonlyMap<string, string>,
): readonly string[] {
  const lost = [...expected]
    .filter(([path, line]) => actual.get(path) !== line && !path.startsWith('dev/'))
    .map(([path, line]) => `${path}: ${line} became ${actual.get(path) ?? 'nothing'}`);
  const added = [...actual.keys()]
    .filter((path) => !expected.has(path) && !skeleton.test(path))
    .map((path) => `${path}: was added`);
  return [...lost, ...added];
}
