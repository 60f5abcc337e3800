// SPDX-License-Identifier: Apache-2.0
// A directory of this machine to one squashfs image: what an installation becomes. Contents are read once, in the order
// of names, so that files that are opened together lie together; a file with several names is stored once.
import type { TreeDirectory, TreeEntry, TreeNode } from '../formats/squashfs/index.ts';
import { type Compressor, createSquashfsWriter, type SquashfsWriter } from '../image/index.ts';
import type { Emit } from '../model/index.ts';
import { type FileTreeEntry, readTreeDirectory, readTreeEntry, readTreeFile, readTreeLink } from '../sys/file-tree.ts';
import { removeIfPresent } from '../sys/files.ts';
import type { WrapEvent } from './events.ts';

export type TreeImageOptions = {
  /** Must not exist yet. */
  readonly path: string;
  readonly compressor: Compressor;
  readonly blockSizeBytes: number;
  readonly threads: number;
  /** Let everybody read everything, so that others than the owner can update a copy: a directory's x with its r. */
  readonly opensModes: boolean;
  /** Names to be added in `bin`: what each link leads to, as its text. */
  readonly links: ReadonlyMap<string, string>;
  /** Other names of `bin`; what else stands there by such a name is left out. */
  readonly aliases: readonly string[];
  readonly mkfsTimeSec: number;
  readonly signal: AbortSignal;
  readonly emit: Emit<WrapEvent>;
};

type Read = {
  readonly options: TreeImageOptions;
  readonly writer: SquashfsWriter;
  readonly buffer: Buffer;
  /** By file: the number of its content. */
  readonly contents: Map<string, number>;
  files: number;
  bytes: number;
};

const chunkBytes = 1 << 20;
const progressEvery = 1000;

/**
 * Writes an image of what is below `source`; sockets and device files are left out. On any failure no image is left.
 * @throws SlipwayError as `toFileError`, `squashfs-not-encodable`; the signal's reason
 */
export async function writeTreeImage(
  source: string,
  options: TreeImageOptions,
): Promise<{ readonly sizeBytes: number; readonly files: number }> {
  const { path, compressor, blockSizeBytes, signal, mkfsTimeSec } = options;
  try {
    await using writer = await createSquashfsWriter({
      path,
      compressor,
      blockSizeBytes,
      parallelism: options.threads,
      signal,
    });
    const read: Read = {
      options,
      writer,
      buffer: Buffer.allocUnsafe(chunkBytes),
      contents: new Map(),
      files: 0,
      bytes: 0,
    };
    const top = readTreeEntry(Buffer.from(source));
    const root = await readDirectory(read, { ...top, kind: 'directory' }, 0);
    const tree = withAliases(withLinks(root, options.links), options.aliases);
    const { sizeBytes } = await writer.finish(tree, mkfsTimeSec);
    options.emit({ type: 'image-written', path, files: read.files, contentBytes: read.bytes, sizeBytes });
    return { sizeBytes, files: read.files };
  } catch (error) {
    await removeIfPresent(path);
    throw error;
  }
}

/** Deeper trees than a path can name can't be reached by a program either. */
const maxDepth = 2048;

async function readDirectory(read: Read, entry: FileTreeEntry, depth: number): Promise<TreeDirectory> {
  read.options.signal.throwIfAborted();
  const children: TreeEntry[] = [];
  if (depth < maxDepth) {
    for (const child of readTreeDirectory(entry.path)) {
      const node = await readNode(read, child, depth);
      if (node !== undefined) children.push({ name: child.name, node });
    }
  }
  return { kind: 'directory', ...attributes(read, entry), children: () => children };
}

async function readNode(read: Read, entry: FileTreeEntry, depth: number): Promise<TreeNode | undefined> {
  const { link } = entry;
  switch (entry.kind) {
    case 'directory':
      return await readDirectory(read, entry, depth + 1);
    case 'symlink':
      return { kind: 'symlink', ...attributes(read, entry), target: readTreeLink(entry.path) };
    case 'fifo':
      return { kind: 'fifo', ...attributes(read, entry) };
    case 'file': {
      const known = link === undefined ? undefined : read.contents.get(link);
      const content = known ?? (await addContent(read, entry));
      if (link !== undefined) read.contents.set(link, content);
      return { kind: 'file', ...attributes(read, entry), content, ...(link === undefined ? {} : { link }) };
    }
    case 'socket':
    case 'device':
      return undefined;
  }
}

async function addContent(read: Read, entry: FileTreeEntry): Promise<number> {
  const { contents } = read.writer;
  contents.begin();
  for (const chunk of readTreeFile(entry.path, read.buffer)) {
    contents.write(chunk);
    read.bytes += chunk.length;
    await contents.drain();
  }
  read.files += 1;
  if (read.files % progressEvery === 0) {
    read.options.emit({ type: 'image-progress', files: read.files, contentBytes: read.bytes });
  }
  return contents.end();
}

type Attributes = Pick<TreeDirectory, 'mode' | 'uid' | 'gid' | 'mtimeSec'>;

function attributes(read: Read, { kind, mode, uid, gid, mtimeSec }: FileTreeEntry): Attributes {
  // As `chmod ugo+rwX`: the image is read-only, and who may read it is said by its file's mode.
  const isSearchable = kind === 'directory' || (mode & 0o111) !== 0;
  const opened = mode | 0o666 | (isSearchable ? 0o111 : 0);
  return { mode: read.options.opensModes && kind !== 'symlink' ? opened : mode, uid, gid, mtimeSec };
}

function withLinks(root: TreeDirectory, links: ReadonlyMap<string, string>): TreeDirectory {
  if (links.size === 0) return root;
  const entries = [...root.children()];
  const bin = entries.find(({ name }) => name.toString() === 'bin')?.node;
  const { mode, uid, gid, mtimeSec } = root;
  const here = bin?.kind === 'directory' ? [...bin.children()] : [];
  const added = [...links].map(([name, target]): TreeEntry => ({
    name: Buffer.from(name),
    node: { kind: 'symlink', mode: 0o777, uid, gid, mtimeSec, target: Buffer.from(target) },
  }));
  const children = [...here.filter(({ name }) => !links.has(name.toString())), ...added];
  const made: TreeDirectory = { kind: 'directory', mode: mode | 0o111, uid, gid, mtimeSec, children: () => children };
  const all = [...entries.filter(({ name }) => name.toString() !== 'bin'), { name: Buffer.from('bin'), node: made }];
  return { ...root, children: () => all };
}

function withAliases(root: TreeDirectory, aliases: readonly string[]): TreeDirectory {
  const { uid, gid, mtimeSec } = root;
  const added = aliases.map((name): TreeEntry => ({
    name: Buffer.from(name),
    node: { kind: 'symlink', mode: 0o777, uid, gid, mtimeSec, target: Buffer.from('bin') },
  }));
  const children = [...[...root.children()].filter(({ name }) => !aliases.includes(name.toString())), ...added];
  return { ...root, children: () => children };
}
