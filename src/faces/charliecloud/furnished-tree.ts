// SPDX-License-Identifier: Apache-2.0
// A tree with what Charliecloud adds to an image and takes from it: mount points, files about the image, nothing in /dev.
import { impliedDirectory, type TreeEntry, type TreeSink, type TreeSource } from '../../image/index.ts';

export type Furniture = {
  /** Whether what `ch-run` mounts on is made where nothing stands. */
  readonly hasMountPoints: boolean;
  /** Files that replace the tree's own, by path without a leading slash. */
  readonly files: ReadonlyMap<string, string>;
  /** Files where the tree has none. */
  readonly defaults: ReadonlyMap<string, string>;
  /** Whether all files may be read by their owner, who could not pack the image again otherwise. */
  readonly opensFiles?: boolean;
  /** Left out with all that is below. */
  readonly drops: (path: string) => boolean;
};

/** As in images that Charliecloud makes, and what `ch-run` wants besides. */
const directories = [
  'bin',
  'dev',
  'etc',
  'mnt',
  'proc',
  'sys',
  'tmp',
  'usr',
  ...Array.from({ length: 10 }, (_, index) => `mnt/${index}`),
];
const emptyFiles = ['etc/group', 'etc/hosts', 'etc/passwd', 'etc/resolv.conf'];
export const mountPoints: { readonly directories: readonly string[]; readonly files: readonly string[] } = {
  directories,
  files: emptyFiles,
};

/** What is below a top directory `dev`: a container shows the host's. */
export function isDevice(path: string): boolean {
  return path.startsWith('dev/');
}

/** The tree with its furniture. Directories are open to their owner, who otherwise could not remove the image. */
export function furnishedTree(tree: TreeSource, furniture: Furniture): TreeSource {
  const { archives: _, ...plain } = tree;
  return {
    ...plain,
    read: async (sink, options) => {
      const seen = new Map<string, TreeEntry['type']>();
      let isDropped = false;
      const filtered: TreeSink = {
        entry: (entry) => {
          const path = entry.path.toString('latin1');
          isDropped = furniture.drops(path) || furniture.files.has(path);
          if (isDropped) return;
          seen.set(path, entry.type);
          sink.entry({ ...entry, mode: entry.mode | addedRights(entry.type, furniture) });
        },
        content: (chunk) => {
          if (!isDropped) sink.content(chunk);
        },
        hole: (sizeBytes) => {
          if (!isDropped) sink.hole(sizeBytes);
        },
        contentEnd: () => {
          if (!isDropped) sink.contentEnd();
        },
        drain: sink.drain,
      };
      const totals = await tree.read(filtered, options);
      const added = addFurniture(sink, seen, furniture);
      await sink.drain();
      return { ...totals, entries: totals.entries + added };
    },
  };
}

function addedRights(type: TreeEntry['type'], { opensFiles }: Furniture): number {
  if (type === 'directory') return 0o700;
  return type === 'file' && opensFiles === true ? 0o400 : 0;
}

function addFurniture(sink: TreeSink, seen: Map<string, TreeEntry['type']>, furniture: Furniture): number {
  let added = 0;
  const add = (path: string, content?: string): void => {
    if (seen.has(path)) return;
    const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : undefined;
    if (parent !== undefined) {
      if (!seen.has(parent)) add(parent);
      // What a link leads to may be anywhere; a file can hold nothing.
      if (seen.get(parent) !== 'directory') return;
    }
    const type = content === undefined ? 'directory' : 'file';
    const bytes = Buffer.from(content ?? '');
    const mode = type === 'directory' ? 0o755 : 0o644;
    sink.entry({ ...impliedDirectory, type, mode, path: Buffer.from(path, 'latin1'), sizeBytes: bytes.length });
    if (type === 'file') {
      if (bytes.length > 0) sink.content(bytes);
      sink.contentEnd();
    }
    seen.set(path, type);
    added += 1;
  };
  if (furniture.hasMountPoints) {
    for (const path of directories) add(path);
    for (const path of emptyFiles) add(path, '');
  }
  for (const [path, content] of [...furniture.files, ...furniture.defaults]) add(path, content);
  return added;
}
