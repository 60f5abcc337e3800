// SPDX-License-Identifier: Apache-2.0
// The image that bench/pull moves: Debian with Python, and one large layer that is like a scientific stack in what
// matters for the work: many small files beside few large ones, compressing to about a third.
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { cp, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { runOk } from '../test/support/command.ts';
import { devCache } from '../test/support/dev-cache.ts';
import { realImage } from '../test/support/images.ts';

const corpusBytes = 256 * 1024 * 1024;
/** Of the layer's bytes; the rest is in small files. */
const largeFileShare = 0.6;

/**
 * An OCI layout with two tags, made once a machine and size: `first`, whose top layer holds `sizeMb` megabytes, and
 * `second`, the same with one more small layer.
 */
export async function benchmarkImage(sizeMb: number): Promise<string> {
  const folder = join(devCache(), 'images');
  const layout = join(folder, `pull-${sizeMb}-1.oci`);
  if (existsSync(layout)) return layout;
  const work = join(folder, `making-pull-${process.pid}`);
  try {
    const made = join(work, 'oci');
    await cp(await realImage('debian-python'), made, { recursive: true });
    const random = seededRandom(sizeMb);
    const corpus = readCorpus();
    writeTree(join(work, 'stack'), corpus, random, sizeMb * 1_000_000);
    writeTree(join(work, 'more'), corpus, random, 5_000_000);
    await runOk(['umoci', 'tag', '--image', `${made}:latest`, 'first']);
    await addLayer(made, 'first', join(work, 'stack'), 'opt/stack');
    await runOk(['umoci', 'tag', '--image', `${made}:first`, 'second']);
    await addLayer(made, 'second', join(work, 'more'), 'opt/more');
    await rename(made, layout);
    return layout;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function addLayer(layout: string, tag: string, tree: string, target: string): Promise<void> {
  const tar = `${tree}.tar`;
  const owner = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name', '--mtime=@1700000000'];
  await runOk(['tar', ...owner, `--transform=s,^\\.,${target},`, '-cf', tar, '-C', tree, '.'], { timeoutMs: 600_000 });
  await runOk(['umoci', 'raw', 'add-layer', '--image', `${layout}:${tag}`, tar], { timeoutMs: 1_800_000 });
}

/** Real programs and libraries of this machine, one after another. */
function readCorpus(): Buffer {
  const parts: Buffer[] = [];
  let length = 0;
  for (const folder of ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/bin', '/usr/lib/python3.11']) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder).toSorted()) {
      const path = join(folder, name);
      const status = statSync(path, { throwIfNoEntry: false });
      if (status?.isFile() !== true || status.size > 32 * 1024 * 1024) continue;
      parts.push(readFileSync(path));
      length += status.size;
      if (length > corpusBytes) return Buffer.concat(parts);
    }
  }
  return Buffer.concat(parts);
}

/** Files cut from the corpus at random: no two alike, so that finding duplicates gains nobody anything. */
function writeTree(folder: string, corpus: Buffer, random: () => number, totalBytes: number): void {
  let left = totalBytes;
  for (let number = 0; left > 0; number += 1) {
    const isLarge = left > totalBytes * (1 - largeFileShare);
    const wanted = isLarge ? 4_000_000 + random() * 40_000_000 : 300 + 24_000 * -Math.log(1 - random());
    const size = Math.max(1, Math.floor(Math.min(wanted, left)));
    const parent = join(folder, `package-${number >> 6}`);
    mkdirSync(parent, { recursive: true });
    const file = openSync(join(parent, `${isLarge ? 'lib' : 'module'}-${number}`), 'w');
    for (let written = 0; written < size;) {
      const piece = Math.min(size - written, 16_384 + Math.floor(random() * 250_000));
      const start = Math.floor(random() * (corpus.length - piece));
      writeSync(file, corpus, start, piece);
      written += piece;
    }
    closeSync(file);
    left -= size;
  }
}

/** mulberry32: the same image on every run. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
