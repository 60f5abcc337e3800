// SPDX-License-Identifier: Apache-2.0
// Tar archives, and layers of them merged. Held: the same however an archive is cut into chunks; no view that was handed out
// is needed afterwards; content as long as its entry says; whatever is merged is a tree in which no name leads anywhere else.
import assert from 'node:assert/strict';
import { createTarReader } from '../../src/formats/tar/index.ts';
import { createImageTree } from '../../src/image/convert/image-tree.ts';
import { defaultConvertOptions } from '../../src/image/convert/options.ts';
import { createEntryRecorder, newCounters } from '../../src/image/convert/record-entries.ts';
import { mutate } from './mutate.ts';
import type { Random } from './random.ts';
import { hostileArchive } from './tar-archives.ts';
import { checkMessage, type FuzzTarget, type Outcome, parse } from './target.ts';
import type { TreeDirectory } from '../../src/formats/squashfs/index.ts';

const limits = { ...defaultConvertOptions.limits, maxEntries: 200, maxPathBytes: 100_000, maxContentBytes: 1e9 };

export const tarTarget: FuzzTarget = {
  name: 'tar',
  attempt(random) {
    const archive = mutate(hostileArchive(random), random, random.chance(0.5) ? 0 : 1 + random.below(4));
    const whole = readAll(archive, [archive.length + 1]);
    const inPieces = readAll(
      archive,
      Array.from({ length: 5 }, () => 1 + random.below(1500)),
    );
    assert.deepEqual(inPieces, whole);
    return whole.at(-1)?.startsWith('refused') === true ? 'refused' : 'accepted';
  },
};

/** What comes out, a line each, the last one a refusal where it is refused; chunks are written over behind the reader. */
function readAll(archive: Buffer, chunkSizes: readonly number[]): readonly string[] {
  const lines: string[] = [];
  let [expected, seen] = [0, 0];
  const reader = createTarReader({
    entry: (entry) => {
      const { path, linkTarget, xattrs, ...rest } = entry;
      const attributes = [...xattrs].map(([name, value]) => [name, value.toString('hex')]);
      lines.push(JSON.stringify([path.toString('hex'), linkTarget.toString('hex'), attributes, rest]));
      assert.ok(path.length > 0 && !path.includes(0), 'a path is empty or has a NUL');
      assert.ok(rest.sizeBytes >= 0 && Number.isSafeInteger(rest.sizeBytes));
      [expected, seen] = [rest.sizeBytes, 0];
      return true;
    },
    content: (chunk) => {
      assert.ok(chunk.length > 0);
      seen += chunk.length;
    },
    hole: (sizeBytes) => {
      assert.ok(sizeBytes > 0);
      seen += sizeBytes;
    },
    contentEnd: () => assert.equal(seen, expected),
  });
  const read = parse(['tar-malformed'], () => {
    for (let at = 0, turn = 0; at < archive.length; turn += 1) {
      const chunk = Buffer.from(archive.subarray(at, at + (chunkSizes[turn % chunkSizes.length] ?? 1)));
      reader.write(chunk);
      at += chunk.length;
      chunk.fill(0x2f);
    }
    reader.end();
  });
  if ('refusal' in read) {
    checkMessage(read.refusal);
    lines.push(`refused: ${read.refusal.message}`);
  }
  return lines;
}

export const layersTarget: FuzzTarget = {
  name: 'layers',
  attempt(random) {
    const tame = random.chance(0.6);
    const archives = Array.from({ length: 1 + random.below(3) }, () => hostileArchive(random, tame));
    return mergeLayers(archives, random);
  },
};

function mergeLayers(archives: readonly Buffer[], random: Random): Outcome {
  const merged = parse(
    ['tar-malformed', 'layer-entry-refused', 'image-too-large', 'layer-inflates', 'squashfs-not-encodable'],
    () => {
      const tree = createImageTree({ ...defaultConvertOptions, limits, whiteouts: random.one(['apply', 'literal']) });
      const counters = newCounters();
      for (const [number, archive] of archives.entries()) {
        let content = 0;
        const contents = {
          begin: () => undefined,
          write: () => undefined,
          addZeros: () => undefined,
          end: () => content++,
        };
        const recorder = createEntryRecorder(
          contents,
          { name: `layer ${number}`, sizeBytes: archive.length },
          { limits, counters },
        );
        const reader = createTarReader(recorder.visitor);
        reader.write(archive);
        reader.end();
        tree.add(recorder.index, { name: `layer ${number}`, xattrsDropped: 0 });
      }
      const finished = tree.finish();
      return { root: finished.root((_, content) => content, 0), entries: finished.entries };
    },
  );
  if ('refusal' in merged) {
    checkMessage(merged.refusal);
    return 'refused';
  }
  assert.equal(checkTree(merged.value.root), merged.value.entries);
  return 'accepted';
}

/** Counts the entries of a tree that is as a tree must be. */
function checkTree(root: TreeDirectory): number {
  let count = 1;
  const names = new Set<string>();
  for (const { name, node } of root.children()) {
    const text = name.toString('latin1');
    assert.ok(
      text !== '' && text !== '.' && text !== '..' && !/[/\0]/.test(text) && text.length <= 255,
      JSON.stringify(text),
    );
    assert.ok(!names.has(text));
    names.add(text);
    assert.ok(node.kind !== 'block-device' && node.kind !== 'character-device');
    assert.ok((node.mode & ~0o7777) === 0);
    if (node.kind === 'symlink') assert.ok(node.target.length > 0 && !node.target.includes(0));
    count += node.kind === 'directory' ? checkTree(node) : 1;
  }
  return count;
}
