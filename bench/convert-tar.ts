// SPDX-License-Identifier: Apache-2.0
// The program that bench/convert measures: a tar archive to a squashfs image or a pack, or a pack to an image.
//   image TAR OUT LEVEL BLOCK-KIB PARALLELISM    pack TAR OUT LEVEL BLOCK-KIB PARALLELISM
//   assemble PACK OUT LEVEL BLOCK-KIB PARALLELISM
import { openSync, readSync } from 'node:fs';
import type { TreeDirectory, TreeEntry, TreeNode } from '../src/formats/squashfs/index.ts';
import { createTarReader, type TarEntry } from '../src/formats/tar/index.ts';
import {
  createPackWriter,
  createSquashfsWriter,
  openPack,
  type PackWriter,
  type SquashfsWriter,
} from '../src/image/squashfs/index.ts';

type Contents = PackWriter['contents'];
/** A name in the tree, as it can stand in a pack's notes too: names and targets with one character a byte. */
type Row = {
  readonly type: TarEntry['type'];
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSec: number;
  readonly target: string;
  readonly device: readonly [number, number];
  content: number;
  link?: number;
  readonly children: Record<string, Row>;
};

const [mode, input = '', output = '', level = '3', blockKib = '128', parallelism = '2'] = process.argv.slice(2);
const common = {
  path: output,
  compressor: { compression: 'zstd', level: Number(level) },
  blockSizeBytes: Number(blockKib) * 1024,
  parallelism: Number(parallelism),
  signal: new AbortController().signal,
} as const;

if (mode === 'image') {
  await using writer = await createSquashfsWriter({ ...common });
  const root = await readTar(input, writer.contents);
  await writer.finish(
    directoryOf(root, (content) => content),
    0,
  );
} else if (mode === 'pack') {
  await using writer = await createPackWriter(common);
  const root = await readTar(input, writer.contents);
  await writer.finish(Buffer.from(JSON.stringify(root)));
} else if (mode === 'assemble') {
  await using writer: SquashfsWriter = await createSquashfsWriter({ ...common });
  await using pack = await openPack(input);
  const numberOf = await writer.contents.adopt(
    pack,
    Array.from({ length: pack.contents.count() }, (_, index) => index),
  );
  await writer.finish(directoryOf(JSON.parse(pack.notes.toString()) as Row, numberOf), 0);
} else {
  throw new Error(`no such mode: ${mode}`);
}

async function readTar(path: string, contents: Contents): Promise<Row> {
  const root = rowOf();
  let current: Row | undefined;
  let links = 0;
  const find = (at: string): { readonly parent: Row; readonly name: string } => {
    const parts = at.split('/').filter((part) => part !== '' && part !== '.');
    const name = parts.pop() ?? '';
    let parent = root;
    for (const part of parts) parent = parent.children[part] ??= rowOf();
    return { parent, name };
  };
  const reader = createTarReader({
    entry(entry) {
      const { parent, name } = find(entry.path.toString('latin1'));
      if (name === '') return false;
      const target = entry.linkTarget.toString('latin1');
      if (entry.type === 'hardlink') {
        const first = find(target);
        const row = first.parent.children[first.name] ?? rowOf();
        row.link ??= ++links;
        parent.children[name] = row;
        return false;
      }
      const row = rowOf(entry, target);
      parent.children[name] = row;
      if (entry.type !== 'file') return false;
      current = row;
      contents.begin();
      return true;
    },
    content: contents.write,
    hole: contents.addZeros,
    contentEnd() {
      if (current !== undefined) current.content = contents.end();
    },
  });
  const file = openSync(path, 'r');
  // The reader may still look at the chunk before.
  const chunks = [Buffer.allocUnsafeSlow(128 * 1024), Buffer.allocUnsafeSlow(128 * 1024)];
  for (let turn = 0; ; turn ^= 1) {
    const chunk = chunks[turn] ?? Buffer.alloc(0);
    const length = readSync(file, chunk);
    if (length === 0) break;
    reader.write(chunk.subarray(0, length));
    await contents.drain();
  }
  reader.end();
  return root;
}

function rowOf(entry?: TarEntry, target = ''): Row {
  return {
    type: entry?.type ?? 'directory',
    mode: entry?.mode ?? 0o755,
    uid: entry?.uid ?? 0,
    gid: entry?.gid ?? 0,
    mtimeSec: entry?.mtimeSec ?? 0,
    target,
    device: [entry?.devMajor ?? 0, entry?.devMinor ?? 0],
    content: 0,
    children: {},
  };
}

function directoryOf(row: Row, numberOf: (content: number) => number): TreeDirectory {
  return {
    ...row,
    kind: 'directory',
    *children(): Generator<TreeEntry> {
      for (const [name, child] of Object.entries(row.children)) {
        yield { name: Buffer.from(name, 'latin1'), node: nodeOf(child, numberOf) };
      }
    },
  };
}

function nodeOf(row: Row, numberOf: (content: number) => number): TreeNode {
  switch (row.type) {
    case 'directory':
      return directoryOf(row, numberOf);
    case 'file':
      return { ...row, kind: 'file', content: numberOf(row.content) };
    case 'symlink':
      return { ...row, kind: 'symlink', target: Buffer.from(row.target, 'latin1') };
    case 'block-device':
    case 'character-device':
      return { ...row, kind: row.type, major: row.device[0], minor: row.device[1] };
    case 'fifo':
      return { ...row, kind: 'fifo' };
    case 'hardlink':
      throw new Error('a link that leads to nothing');
    default:
      return row.type satisfies never;
  }
}
