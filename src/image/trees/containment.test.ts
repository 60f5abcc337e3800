// SPDX-License-Identifier: Apache-2.0
// Whatever an archive holds, what is made of it stands in one directory, and all forms agree about it.
import assert from 'node:assert/strict';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { array, assert as assertProperty, asyncProperty, constantFrom, oneof, record } from 'fast-check';
import { type Member, makeMember, writeArchive } from '../../formats/tar/archive.test-helper.ts';
import { emptyImageConfig, SlipwayError } from '../../model/index.ts';
import { systemSearchPath } from '../../sys/process.ts';
import { defaultConvertOptions } from '../convert/index.ts';
import { createDirectorySink } from './directory-sink.ts';
import { squashfsTree } from './squashfs-source.ts';
import { tarballTree } from './tarball-source.ts';
import { createTreeWarnings } from './tree-warnings.ts';
import type { TreeSource } from './tree.ts';
import { writeTree } from './write-tree.ts';

const base = mkdtempSync(join(tmpdir(), 'slipway-containment-'));
after(() => rmSync(base, { recursive: true, force: true }));
const outside = join(base, 'outside');
mkdirSync(outside);
writeFileSync(join(outside, 'target'), 'untouched');

const { signal } = new AbortController();
const options = { ...defaultConvertOptions, threads: 1, skeleton: 'none', searchPath: systemSearchPath } as const;
const platform = { os: 'linux', architecture: 'amd64' };
const emit = (): void => undefined;
const progress = (): void => undefined;

async function toDirectory(tree: TreeSource, path: string): Promise<void> {
  mkdirSync(path);
  const settings = { keepsOwners: false, keepsSetuid: false, searchPath: systemSearchPath, signal };
  const sink = createDirectorySink({ ...settings, path, warnings: createTreeWarnings() });
  try {
    await tree.read(sink, { signal, progress });
    await sink.finish();
  } finally {
    sink.close();
  }
}

function listing(directory: string, path = ''): readonly string[] {
  return readdirSync(join(directory, path), { withFileTypes: true }).flatMap((entry) => {
    const name = join(path, entry.name);
    if (entry.isDirectory()) return [`${name}/`, ...listing(directory, name)];
    if (entry.isSymbolicLink()) return [`${name} -> ${readlinkSync(join(directory, name))}`];
    const { nlink } = lstatSync(join(directory, name));
    return [`${name} ${nlink} ${readFileSync(join(directory, name), 'utf8')}`];
  });
}

const component = constantFrom('a', 'b', 'c', '..', '.', '');
const relative = array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const target = oneof(
  relative,
  constantFrom('/', '/a', outside, `${outside}/target`, '../outside', '../../outside/target'),
);
const path = oneof(
  relative,
  relative,
  relative,
  constantFrom('/a', `${outside}/target`, '../outside/target', 'a/target'),
);
const tamePath = array(constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 2 }).map((parts) => parts.join('/'));

function memberOf(name: string, type: Member['type'], linkTarget: string): Member {
  const isLink = type === 'symlink' || type === 'hardlink';
  const content = Buffer.from(type === 'file' ? `written as ${name}` : '');
  return makeMember({ path: name, type, content, mode: 0o755, ...(isLink ? { linkTarget } : {}) });
}

const member = record({
  path: path.filter((text) => text !== ''),
  type: constantFrom('file', 'directory', 'symlink', 'hardlink', 'fifo'),
  linkTarget: target.filter((text) => text !== ''),
}).map(({ path: name, type, linkTarget }) => memberOf(name, type, linkTarget));
/** With links that lead anywhere, and names that few archives are refused for. */
const tameMember = record({
  path: tamePath,
  type: constantFrom('file', 'directory', 'symlink'),
  linkTarget: target.filter((text) => text !== ''),
}).map(({ path: name, type, linkTarget }) => memberOf(name, type, linkTarget));
const archives = oneof(
  array(member, { minLength: 1, maxLength: 12 }),
  array(tameMember, { minLength: 1, maxLength: 8 }),
);
/** Accepted, whatever chance brings. */
const given: readonly (readonly Member[])[] = [
  [memberOf('a', 'symlink', outside), memberOf('b', 'symlink', '../../outside/target'), memberOf('c', 'file', '')],
  [memberOf('a/b', 'file', ''), memberOf('c', 'hardlink', 'a/b'), memberOf('a/c', 'fifo', '')],
];

describe('what is made of archives', () => {
  it('stands in one directory, and is the same by way of a squashfs', async () => {
    let number = 0;
    let accepted = 0;
    await assertProperty(
      asyncProperty(archives, async (members) => {
        number += 1;
        const work = join(base, String(number));
        mkdirSync(work);
        const archive = join(work, 'archive.tar');
        writeFileSync(archive, writeArchive(members));
        const read = async (): Promise<TreeSource> =>
          await tarballTree({ path: archive, platform, options, emit, signal });
        let isRefused = false;
        try {
          await toDirectory(await read(), join(work, 'direct'));
          accepted += 1;
        } catch (error) {
          assert.ok(error instanceof SlipwayError, String(error));
          isRefused = true;
        }
        assert.deepEqual(readdirSync(outside), ['target']);
        assert.equal(readFileSync(join(outside, 'target'), 'utf8'), 'untouched');
        assert.deepEqual(readdirSync(work).sort(), ['archive.tar', 'direct']);

        const outputPath = join(work, 'image.sqfs');
        const written = writeTree(await read(), { outputPath, options, emit, signal, progress });
        if (isRefused) {
          await assert.rejects(written);
        } else {
          await written;
          const config = emptyImageConfig(platform);
          const image = await squashfsTree({ path: outputPath, config, options, emit });
          await toDirectory(image, join(work, 'around'));
          await image.close();
          assert.deepEqual(listing(join(work, 'around')), listing(join(work, 'direct')));
        }
        rmSync(work, { recursive: true });
      }),
      { numRuns: 60, examples: given.map((members) => [[...members]]) },
    );
    assert.ok(accepted >= given.length, `only ${accepted} archives were usable: the test shows too little`);
  });
});
