// SPDX-License-Identifier: Apache-2.0
// Layers made to do harm: each is refused with the reason, or made harmless; no bytes land elsewhere, nothing is left behind, and
// memory stays bounded. Each is converted by a process of its own, whose memory is looked at.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Member, makeMember, writeArchive } from '../../src/formats/tar/archive.test-helper.ts';
import { encodeTarHeader, tarEnd } from '../../src/formats/tar/index.ts';
import { run } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { dir, file, hardlink, listImage, symlink } from './conversion.ts';
import { maxResidentBytes } from './round-trip.ts';

const skip = needs({ commands: ['unsquashfs', '/usr/bin/time'] });

type Result = {
  readonly status: number | null;
  readonly said: string;
  readonly residentBytes: number;
  readonly directory: string;
  readonly image: string;
};

/** Converts blobs, as layers from the base upwards, with no privilege that would help them. */
async function convertBlobs(blobs: readonly Buffer[]): Promise<Result> {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'out'));
  const paths = blobs.map((blob, number) => {
    const path = join(directory, `layer-${number}`);
    writeFileSync(path, blob);
    return path;
  });
  const image = join(directory, 'out', 'image.squashfs');
  const worker = resolve(import.meta.dirname, 'hostile-worker.ts');
  const { status, stderr } = await run(
    ['/usr/bin/time', '-f', 'resident %M', process.execPath, worker, image, ...paths],
    { timeoutMs: 300_000 },
  );
  const residentBytes = Number(/^resident (\d+)$/m.exec(stderr)?.[1] ?? Number.NaN) * 1024;
  return { status, said: stderr, residentBytes, directory, image };
}

async function refuses(blobs: readonly Buffer[], code: string, reason: RegExp): Promise<void> {
  const { status, said, residentBytes, directory } = await convertBlobs(blobs);
  assert.equal(status, 1, said);
  assert.match(said, new RegExp(`^${code}: `, 'm'));
  assert.match(said, reason);
  assert.ok(residentBytes <= maxResidentBytes, `it took ${residentBytes >> 20} MiB of memory`);
  assert.deepEqual(readdirSync(join(directory, 'out')), []);
}

async function makesHarmless(blobs: readonly Buffer[], expected: Readonly<Record<string, RegExp>>): Promise<void> {
  const { status, said, residentBytes, directory, image } = await convertBlobs(blobs);
  assert.equal(status, 0, said);
  assert.ok(residentBytes <= maxResidentBytes, `it took ${residentBytes >> 20} MiB of memory`);
  assert.deepEqual(readdirSync(join(directory, 'out')), ['image.squashfs']);
  const tree = await listImage(image, join(directory, 'tree'));
  for (const [path, line] of Object.entries(expected)) assert.match(tree.get(path) ?? 'absent', line, path);
}

const layer = (...members: readonly Member[]): Buffer => writeArchive(members);
const absent = /^absent$/;
/** A header whose fields are changed after it was made, with a checksum that is right again. */
function changedHeader(member: Member, change: (header: Buffer) => void): Buffer {
  const header = encodeTarHeader(member);
  const block = header.subarray(-512);
  change(block);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}
function paxHeader(records: string): Buffer {
  const body = Buffer.from(records, 'latin1');
  const header = changedHeader(makeMember({ path: 'pax', content: body }), (block) => block.write('x', 156));
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

describe('hostile layers', { skip }, () => {
  test('absolute names stay below the root of the image', async () => {
    const outside = join(temporaryDirectory(), 'outside');
    await makesHarmless([layer(file(outside, 'x'), file('//etc//passwd', 'y'))], {
      [outside.slice(1)]: / 1 sha256:/,
      'etc/passwd': / 1 sha256:/,
    });
    assert.ok(!existsSync(outside));
  });

  test('names that climb out are refused', async () => {
    await refuses([layer(file('../../etc/passwd', 'x'))], 'layer-entry-refused', /leads out of the image/);
    await refuses([layer(dir('a'), file('a/../../b', 'x'))], 'layer-entry-refused', /leads out of the image/);
    await refuses([layer(file('..', 'x'))], 'layer-entry-refused', /leads out of the image/);
  });

  test('a link out of the tree, and then a file through it, ends within the tree', async () => {
    const outside = temporaryDirectory();
    await makesHarmless(
      [
        layer(
          symlink('escape', outside),
          symlink('up', '../../../../../..'),
          file('escape/planted', 'x'),
          file('up/tmp-planted', 'y'),
        ),
      ],
      {
        [`${outside.slice(1)}/planted`]: / 1 sha256:/,
        'tmp-planted': / 1 sha256:/,
        'escape': new RegExp(` ${outside}$`),
      },
    );
    assert.deepEqual(readdirSync(outside), []);
    // The same from a layer above.
    await makesHarmless([layer(symlink('escape', outside)), layer(file('escape/planted', 'x'))], {
      [`${outside.slice(1)}/planted`]: / 1 sha256:/,
    });
    assert.deepEqual(readdirSync(outside), []);
  });

  test('hard links to what is not in the image are refused', async () => {
    await refuses(
      [layer(hardlink('x', '/etc/shadow'))],
      'layer-entry-refused',
      /hard link to a file that is not there/,
    );
    await refuses([layer(hardlink('x', '../../etc/shadow'))], 'layer-entry-refused', /leads out of the image/);
    await refuses([layer(dir('d'), hardlink('x', 'd'))], 'layer-entry-refused', /hard link to a directory/);
  });

  test('links that go round are refused where a name leads through them', async () => {
    await refuses(
      [layer(symlink('a', 'b'), symlink('b', 'a'), file('a/x', 'x'))],
      'layer-entry-refused',
      /too many symbolic links/,
    );
  });

  test('devices, and names for them, are left out', async () => {
    const disk = makeMember({ path: 'disk', type: 'block-device', devMajor: 8, devMinor: 0, mode: 0o666 });
    await makesHarmless([layer(disk, hardlink('disk-too', 'disk'), file('dev/null', 'not a device'))], {
      'disk': absent,
      'disk-too': absent,
      'dev/null': absent,
    });
    await refuses([layer(makeMember({ path: 'x', type: 'character-device' }))], 'layer-entry-refused', /overlayfs/);
  });

  test('bombs of zeros and of frames within frames are refused before they fill anything', async () => {
    const zeros = encodeTarHeader({ ...makeMember({ path: 'zeros' }), sizeBytes: 20 * 2 ** 30 });
    // 20 GiB of zeros in 20 MB of gzip members.
    const member = gzipSync(Buffer.alloc(64 * 2 ** 20));
    await refuses(
      [Buffer.concat([gzipSync(zeros), ...Array.from({ length: 320 }, () => member)])],
      'layer-inflates',
      /more than 200 times/,
    );
    const frame = zstdCompressSync(Buffer.alloc(64 * 2 ** 20));
    await refuses(
      [Buffer.concat([zstdCompressSync(zeros), ...Array.from({ length: 320 }, () => frame)])],
      'layer-inflates',
      /more than 200 times/,
    );
  });

  test('holes of a petabyte are refused', async () => {
    const hole = changedHeader(makeMember({ path: 'hole' }), (block) => {
      block.write('S', 156);
      block.write('ustar  \0', 257, 'latin1');
      block.fill(0, 345);
      block.writeUInt32BE(0x8000_0000, 483);
      block.writeBigUInt64BE(2n ** 50n, 487);
    });
    await refuses([Buffer.concat([hole, tarEnd])], 'image-too-large', /bytes of content/);
  });

  test('sizes that lie are refused', async () => {
    const longer = encodeTarHeader({ ...makeMember({ path: 'x' }), sizeBytes: 5000 });
    await refuses([Buffer.concat([longer, Buffer.alloc(1000)])], 'layer-unreadable', /ends within an entry/);
    const negative = changedHeader(makeMember({ path: 'x' }), (block) => block.fill(0xff, 124, 136));
    await refuses([Buffer.concat([negative, tarEnd])], 'layer-unreadable', /./);
    const huge = paxHeader('29 size=99999999999999999999\n');
    await refuses([Buffer.concat([huge, encodeTarHeader(makeMember({ path: 'x' })), tarEnd])], 'layer-unreadable', /./);
  });

  test('entries without end that say the same again cost nothing', async () => {
    // Headers of which gzip leaves next to nothing.
    const headers = Buffer.concat(
      Array.from({ length: 5000 }, (_, number) => encodeTarHeader(makeMember({ path: `d/${number}` }))),
    );
    const blob = Buffer.concat([...Array.from({ length: 100 }, () => gzipSync(headers)), gzipSync(tarEnd)]);
    await makesHarmless([blob], { 'd/0': / 0 sha256:/, 'd/4999': / 0 sha256:/ });
  });

  for (const { parts, large } of [
    { parts: 40, large: false },
    { parts: 600, large: true },
  ]) {
    test(`${parts * 5000} files are kept in bounded memory`, { skip: needs({ large }) }, async () => {
      const headers = (part: number): Buffer =>
        Buffer.concat(
          Array.from({ length: 5000 }, (_, number) => encodeTarHeader(makeMember({ path: `${part}/${number}` }))),
        );
      const pieces = Array.from({ length: parts }, (_, part) => gzipSync(headers(part)));
      const { status, said, residentBytes } = await convertBlobs([Buffer.concat([...pieces, gzipSync(tarEnd)])]);
      assert.equal(status, 0, said);
      // About 500 bytes for each that stays: what makes an image too large is a limit of the options.
      const bound = maxResidentBytes + parts * 5000 * 500;
      assert.ok(residentBytes <= bound, `it took ${residentBytes >> 20} MiB of memory`);
    });
  }

  test('truncated archives, garbage behind them and wrong checksums are refused', async () => {
    const good = layer(file('a', 'a'.repeat(3000)), file('b', 'b'));
    await refuses([good.subarray(0, 2000)], 'layer-unreadable', /ends within an entry/);
    await refuses([gzipSync(good).subarray(0, -20)], 'layer-unreadable', /./);
    await refuses([Buffer.concat([good, Buffer.from('garbage')])], 'layer-unreadable', /follows the end/);
    await refuses([Buffer.concat([gzipSync(good), Buffer.from('garbage')])], 'layer-unreadable', /./);
    const wrong = Buffer.from(good);
    wrong.write('x', 0);
    await refuses([wrong], 'layer-unreadable', /checksum/);
  });

  test('PAX and GNU extensions that are abused are refused', async () => {
    const after = Buffer.concat([encodeTarHeader(makeMember({ path: 'x' })), tarEnd]);
    await refuses([Buffer.concat([paxHeader('99 path=x\n'), after])], 'layer-unreadable', /lies about its length/);
    await refuses([Buffer.concat([paxHeader('12 path=a\0b\n'), after])], 'layer-unreadable', /NUL/);
    await refuses(
      [Buffer.concat([paxHeader('16 path=../../x\n'), after])],
      'layer-entry-refused',
      /leads out of the image/,
    );
    await refuses([Buffer.concat([paxHeader('x'), tarEnd])], 'layer-unreadable', /./);
    const longName = Buffer.alloc(1 << 20, 'n');
    const gnu = changedHeader(makeMember({ path: '././@LongLink', content: longName }), (block) =>
      block.write('L', 156),
    );
    await refuses([Buffer.concat([gnu, longName, after])], 'layer-unreadable', /longer than/);
    const hugePax = changedHeader(makeMember({ path: 'pax', sizeBytes: 2 ** 31 }), (block) => block.write('x', 156));
    await refuses([hugePax], 'layer-unreadable', /longer than/);
    const names = Array.from({ length: 40_000 }, (_, number) => `SCHILY.xattr.user.${number}=x`);
    const many = names
      .map((record) => `${record.length + 4} ${record}\n`)
      .join('')
      .slice(0, 900_000);
    await refuses([Buffer.concat([paxHeader(many), after])], 'layer-unreadable', /./);
  });

  test('whiteouts that name no file are refused, and others reach no further than their directory', async () => {
    await refuses([layer(file('.wh...'))], 'layer-entry-refused', /names no file/);
    await refuses([layer(file('.wh.'))], 'layer-entry-refused', /names no file/);
    await makesHarmless(
      [layer(dir('d'), file('d/x', 'x'), file('y', 'y')), layer(file('d/.wh.x'), file('d/.wh.nothing'))],
      { 'd/x': absent, 'y': / 1 sha256:/ },
    );
  });
});
