// SPDX-License-Identifier: Apache-2.0
// Images of unusual shape, as umoci unpacks them and as we convert them: many layers that undo one another, files with
// holes, very long and impossible names, crowds of empty files, attributes and capabilities.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { type Member, makeMember, writeArchive } from '../../src/formats/tar/archive.test-helper.ts';
import { encodeTarHeader, paddingAfter, tarEnd } from '../../src/formats/tar/index.ts';
import { runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { dir, file, hardlink, symlink } from './conversion.ts';
import { assertSameAsUmoci } from './round-trip.ts';

const commands = ['umoci', 'unsquashfs', 'getfattr', 'mount', 'tar', '/usr/bin/time'];
const skip = needs({ commands, root: true, loopSquashfs: true });

/** Fails unless umoci and we make the same of these layers. */
async function assertSame(layers: readonly (readonly Member[])[], options: { xattrs?: boolean } = {}): Promise<number> {
  const directory = temporaryDirectory();
  const layout = join(directory, 'layout');
  writeLayout(layout, 'latest', [{ layers: layers.map(writeArchive) }]);
  return (await assertSameAsUmoci(directory, layout, 'latest', options)).entries;
}

describe('an image of unusual shape is the tree that umoci unpacks', { skip }, () => {
  test('thirty layers of whiteouts, opaque directories and hard links across layers', async () => {
    const base: Member[] = [dir('shared')];
    for (let area = 0; area < 10; area += 1) {
      base.push(dir(`area-${area}`), dir(`area-${area}/deep`), dir(`area-${area}/deep/er`));
      for (let number = 0; number < 20; number += 1) {
        base.push(file(`area-${area}/file-${number}`, `${area} ${number}`.repeat(1 + number * 700)));
        base.push(file(`area-${area}/deep/er/file-${number}`, `deep ${area} ${number}`));
      }
    }
    const alive = new Set(base.filter(({ type }) => type === 'file').map(({ path }) => path.toString('latin1')));
    const layers = [base];
    for (let layer = 1; layer < 30; layer += 1) {
      const [here, there] = [`area-${layer % 10}`, `area-${(layer * 3) % 10}`];
      const ofThere = [...alive].filter((path) => path.startsWith(`${there}/`));
      const target = ofThere[(layer * 7) % ofThere.length];
      const changes: Member[] = [];
      const put = (member: Member): void => {
        changes.push(member);
        if (member.type === 'file') alive.add(member.path.toString('latin1'));
      };
      const remove = (path: string): void => {
        changes.push(file(path.replace(/[^/]+$/, '.wh.$&')));
        for (const name of alive) if (name === path || name.startsWith(`${path}/`)) alive.delete(name);
      };
      // A name of this layer's own that leads to a content of a lower one, which may lose its first name in this layer.
      if (target !== undefined) {
        put(hardlink(`shared/kept-${layer}`, target));
        if (layer % 3 === 0) remove(target);
      }
      put(file(`${there}/layer-${layer}`, randomBytes(150_000 + layer).toString('latin1')));
      put(symlink(`shared/link-${layer}`, `../${there}/layer-${layer}`));
      if (layer % 4 === 0) {
        changes.push(dir(`${here}/deep`), file(`${here}/deep/.wh..wh..opq`), file(`${here}/deep/new`));
        for (const name of alive) if (name.startsWith(`${here}/deep/`)) alive.delete(name);
      }
      if (layer % 5 === 0) remove(`shared/kept-${layer - 1}`);
      // Another file in the place of one that still has another name.
      if (layer % 6 === 0) put(file(`shared/kept-${layer - 2}`, `instead ${layer}`));
      if (layer % 7 === 0) {
        const gone = `area-${(layer + 1) % 10}`;
        remove(gone);
        put(dir(`reborn-${layer}`));
        put(file(`reborn-${layer}/${gone}`, 'born again'));
      }
      layers.push(changes);
    }
    const entries = await assertSame(layers);
    assert.ok(entries > 200, `only ${entries} entries are left`);
  });

  test('names of 200 bytes, of bytes that are no UTF-8, with newlines, and paths of 3000 bytes', async () => {
    const long = 'n'.repeat(200);
    const deep = Array.from({ length: 14 }, (_, depth) => String.fromCharCode(0x61 + depth).repeat(200)).join('/');
    await assertSame([
      [
        file(long, 'a'),
        file(`${long}\xff\xfe\x80`, 'b'),
        file('\x01\x02\x1b[31m', 'c'),
        file('two\nlines', 'd'),
        file('back\\slash "quotes" $and `more`', 'e'),
        file(' ', 'f'),
        dir('\xc3\x28'),
        symlink('\xc3\x28/link', `/${long}`),
        file(`${deep}/file`, 'g'),
        hardlink(`${deep}/link`, long),
      ],
    ]);
  });

  test('attributes and capabilities', async () => {
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
    const xattrs = (name: string, value: Buffer): Map<string, Buffer> => new Map([[name, value]]);
    await assertSame(
      [
        [
          makeMember({
            path: 'ping',
            mode: 0o755,
            content: Buffer.from('x'),
            xattrs: xattrs('security.capability', capability),
          }),
          makeMember({
            path: 'noted',
            content: Buffer.from('y'),
            xattrs: xattrs('user.note', Buffer.from('\0binary\xff', 'latin1')),
          }),
          makeMember({
            path: 'd',
            type: 'directory',
            mode: 0o755,
            xattrs: xattrs('user.of-a-directory', randomBytes(1000)),
          }),
          hardlink('noted-too', 'noted'),
        ],
        [makeMember({ path: 'noted', content: Buffer.from('z'), xattrs: xattrs('user.other', Buffer.from('1')) })],
      ],
      { xattrs: true },
    );
  });

  for (const { name, count, large } of [
    { name: 'five thousand', count: 5000, large: false },
    { name: 'a hundred thousand', count: 100_000, large: true },
  ]) {
    test(`${name} empty files in one directory`, { skip: needs({ large }) }, async () => {
      const members = Array.from({ length: count }, (_, number) =>
        file(`crowd/file-${number}`, '', 0o600 + (number % 64)),
      );
      assert.ok((await assertSame([[dir('crowd'), ...members]])) > count);
    });
  }

  for (const { name, sizeBytes, large } of [
    { name: '100 MB', sizeBytes: 100_000_000, large: false },
    { name: '5 GB', sizeBytes: 5_000_000_000, large: true },
  ]) {
    test(`a file of ${name} without holes`, { skip: needs({ large }) }, async () => {
      const directory = temporaryDirectory();
      const archive = join(directory, 'layer.tar');
      await writeLargeArchive(archive, sizeBytes);
      await assertSameAsUmoci(directory, await layoutOf(directory, archive), 'latest');
    });

    test(`a file of ${name} that is nearly all hole`, { skip: needs({ large }) }, async () => {
      const directory = temporaryDirectory();
      const script =
        'truncate -s "$1" hole; printf x | dd of=hole bs=1 seek=$(($1 / 2)) conv=notrunc; echo y >> hole; tar -S --format=pax --sparse-version=1.0 -cf ../layer.tar hole';
      const tree = join(directory, 'tree');
      await runOk(['mkdir', tree]);
      await runOk(['sh', '-c', script, 'sh', String(sizeBytes)], { cwd: tree });
      await assertSameAsUmoci(directory, await layoutOf(directory, join(directory, 'layer.tar')), 'latest');
    });
  }
});

/** An image of one archive, which is compressed by umoci and then removed. */
async function layoutOf(directory: string, archive: string): Promise<string> {
  const layout = join(directory, 'layout');
  await runOk(['umoci', 'init', '--layout', layout]);
  await runOk(['umoci', 'new', '--image', `${layout}:latest`]);
  await runOk(['umoci', 'raw', 'add-layer', '--image', `${layout}:latest`, archive], { timeoutMs: 1_200_000 });
  await runOk(['rm', archive]);
  return layout;
}

/** An archive of one file that compresses to about half, never the same for long. */
async function writeLargeArchive(path: string, sizeBytes: number): Promise<void> {
  const out = createWriteStream(path);
  const member = makeMember({ path: 'large', mtimeSec: 2_000_000 });
  out.write(encodeTarHeader({ ...member, sizeBytes }));
  const text = Buffer.alloc(32_768, 'words that repeat, ');
  for (let left = sizeBytes, number = 0; left > 0; number += 1) {
    const noise = createHash('shake256', { outputLength: 32_768 }).update(String(number)).digest();
    const piece = Buffer.concat([noise, text]).subarray(0, left);
    left -= piece.length;
    if (!out.write(piece)) await once(out, 'drain');
  }
  out.write(Buffer.alloc(paddingAfter(sizeBytes)));
  out.end(tarEnd);
  await once(out, 'close');
}
