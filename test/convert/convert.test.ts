// SPDX-License-Identifier: Apache-2.0
// Conversion as a whole: every compression, both programs, limits, hostile layers, and what failure leaves behind.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Member, makeMember, writeArchive } from '../../src/formats/tar/archive.test-helper.ts';
import { type ConvertOptions, defaultConvertOptions } from '../../src/image/convert/index.ts';
import { runOk } from '../support/command.ts';
import { isOnPath, needs } from '../support/needs.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { convert, digestOf, dir, file, hardlink, listImage, symlink, writeLayerFile } from './conversion.ts';

const skip = needs({ commands: ['unsquashfs', 'rdsquashfs'] });

const base = [dir('d'), file('d/a', 'a'.repeat(5000)), file('d/b', 'b'), symlink('s', 'd/a'), hardlink('h', 'd/a')];
const upper = [file('d/.wh.b'), file('d/c', Buffer.alloc(300_000, 'c'))];

/** The archive in pieces, each compressed for itself, as pigz, pzstd and zstd:chunked do. */
function inPieces(compress: (piece: Buffer) => Buffer): (archive: Buffer) => Buffer {
  return (archive) => {
    const size = Math.ceil(archive.length / 5);
    const starts = Array.from({ length: 5 }, (_, index) => index * size);
    return Buffer.concat(starts.map((start) => compress(archive.subarray(start, start + size))));
  };
}
const skippableFrame = Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

describe('conversion', { skip }, () => {
  test('reads every compression of a layer, and gives the same image byte by byte', async () => {
    const directory = temporaryDirectory();
    const compressions: Readonly<Record<string, (archive: Buffer) => Buffer>> = {
      'plain': (archive) => archive,
      'gzip': (archive) => gzipSync(archive),
      'gzip members': inPieces((piece) => gzipSync(piece)),
      'zstd': (archive) => zstdCompressSync(archive),
      'zstd frames': inPieces((piece) => zstdCompressSync(piece)),
      'zstd with skippable frames': (archive) =>
        Buffer.concat([skippableFrame, inPieces((piece) => zstdCompressSync(piece))(archive), skippableFrame]),
    };
    let first: Buffer | undefined;
    for (const [name, compress] of Object.entries(compressions)) {
      const layers = [base, upper].map((layer) => writeLayerFile(directory, writeArchive(layer), compress));
      const { path, sizeBytes } = await convert(directory, layers, { name, threads: 1 + (name.length % 3) });
      const image = readFileSync(path);
      assert.equal(image.length, sizeBytes);
      first ??= image;
      assert.ok(image.equals(first), name);
    }
  });

  test('says what it does, and how much', async () => {
    const directory = temporaryDirectory();
    const layers = [base, upper].map((layer) => writeLayerFile(directory, writeArchive(layer)));
    const { events, entries, contentBytes } = await convert(directory, layers);
    assert.equal(contentBytes, 5000 + 300_000);
    assert.deepEqual(events, [
      { type: 'converting', entries, contentBytes },
      { type: 'convert-progress', doneBytes: contentBytes, totalBytes: contentBytes },
    ]);
  });

  test('keeps what is odd about a tree', async () => {
    const directory = temporaryDirectory();
    const odd = [
      dir('./', 0o751),
      makeMember({ path: 'owned', uid: 4_000_000_000, gid: 3_000_000, mtimeSec: 2 ** 32 - 1, mode: 0o4711 }),
      makeMember({ path: 'before-epoch', mtimeSec: -5, mtimeNsec: 7 }),
      makeMember({ path: 'fifo', type: 'fifo', mode: 0o600 }),
      file('latin-\xe9\xff', 'x'),
      file(`${'p/'.repeat(150)}deep`, 'deep'),
      symlink('long', 'l'.repeat(3000)),
      file('empty'),
      hardlink('empty-too', 'empty'),
      hardlink('symlink-too', 'long'),
    ];
    const layers = [base, upper, odd].map((layer) => writeLayerFile(directory, writeArchive(layer), gzipSync));
    const { path } = await convert(directory, layers);
    const tree = await listImage(path, join(directory, 'tree'));
    const listing = await runOk(['unsquashfs', '-lln', '-UTC', path]);
    assert.match(listing, /^drwxr-x--x 0\/0 .* squashfs-root$/m, 'the root has its attributes');
    assert.equal(tree.get('before-epoch')?.split(' ')[3], '0', 'squashfs has no time before the epoch');
    assert.deepEqual(tree.get('owned')?.split(' ').slice(0, 4), ['104711', '4000000000', '3000000', '4294967295']);
    assert.match(tree.get('fifo') ?? '', /^10600 /);
    assert.ok(tree.has('latin-\xe9\xff'));
    assert.match(tree.get(`${'p/'.repeat(150)}deep`) ?? '', / 4 sha256:/);
    assert.match(tree.get('empty-too') ?? '', / empty 0 /);
    assert.equal(tree.get('symlink-too'), tree.get('long'));
    assert.ok(!tree.has('d/b'));
  });

  test('unfolds sparse files', { skip: isOnPath('tar') ? false : 'install: tar missing' }, async () => {
    const directory = temporaryDirectory();
    const tree = join(directory, 'tree');
    mkdirSync(tree);
    await runOk(['sh', '-c', 'truncate -s 3000000 hole; printf x | dd of=mid bs=1 seek=2000000; echo y >> hole'], {
      cwd: tree,
    });
    const archive = Buffer.from(
      await runOk(['sh', '-c', 'tar -S --format=pax --sparse-version=1.0 -cf - . | base64'], { cwd: tree }),
      'base64',
    );
    assert.ok(archive.length < 100_000);
    const { path } = await convert(directory, [writeLayerFile(directory, archive)]);
    const actual = await listImage(path, join(directory, 'ours'));
    for (const name of ['hole', 'mid']) {
      const content = readFileSync(join(tree, name));
      assert.match(actual.get(name) ?? '', new RegExp(` ${content.length} ${digestOf(content)}$`));
    }
  });

  test('leaves out devices, and attributes unless they are to be kept', async () => {
    const directory = temporaryDirectory();
    const xattrs = new Map([
      ['user.note', Buffer.from('kept?')],
      ['security.capability', Buffer.from('01000002000400000000000000000000', 'hex')],
      ['security.selinux', Buffer.from('never')],
    ]);
    const layer = [
      makeMember({ path: 'tool', xattrs, content: Buffer.from('x') }),
      makeMember({ path: 'disk', type: 'block-device', devMajor: 8, devMinor: 0 }),
      hardlink('disk-too', 'disk'),
    ];
    const layers = [writeLayerFile(directory, writeArchive(layer))];
    const attributesOf = async (image: string): Promise<string> => runOk(['rdsquashfs', '-x', 'tool', image]);
    const counts = (events: Awaited<ReturnType<typeof convert>>['events']): object =>
      Object.fromEntries(events.flatMap((event) => (event.type === 'warning' ? [[event.code, event.count]] : [])));

    const without = await convert(directory, layers, { name: 'without' });
    assert.deepEqual(counts(without.events), { 'xattrs-dropped': 3, 'devices-dropped': 2 });
    assert.equal(await attributesOf(without.path), '');
    assert.ok(
      ![...(await listImage(without.path, join(directory, 'tree'))).keys()].some((path) => path.startsWith('disk')),
    );

    const kept = await convert(directory, layers, { name: 'kept', xattrs: 'keep' });
    assert.deepEqual(counts(kept.events), { 'xattrs-dropped': 1, 'devices-dropped': 2 });
    const attributes = await attributesOf(kept.path);
    assert.match(attributes, /user\.note=kept\?/);
    assert.match(attributes, /security\.capability=/);
    assert.doesNotMatch(attributes, /selinux/);
  });

  test('refuses a layer that is not what the image configuration says', async () => {
    const directory = temporaryDirectory();
    const layer = { ...writeLayerFile(directory, writeArchive(base)), diffId: digestOf(Buffer.from('other')) };
    await rejectsCleanly(directory, [layer], {}, { code: 'layer-content-mismatch' });
  });

  test('refuses damaged, cut and unknown compression', async () => {
    const directory = temporaryDirectory();
    const archive = writeArchive(base);
    for (const compress of [
      (bytes: Buffer) => gzipSync(bytes).subarray(0, -9),
      (bytes: Buffer) => Buffer.concat([gzipSync(bytes), Buffer.from('garbage')]),
      (bytes: Buffer) => gzipSync(bytes).fill(0x55, 40, 60),
      (bytes: Buffer) => zstdCompressSync(bytes).subarray(0, -3),
      (bytes: Buffer) => Buffer.concat([zstdCompressSync(bytes), Buffer.from('garbage')]),
      (bytes: Buffer) => zstdCompressSync(bytes).fill(0x55, 20, 40),
      (bytes: Buffer) => bytes.subarray(0, 700),
      () => Buffer.from('not an archive'.repeat(100)),
      () => Buffer.from('\xfd7zXZ\0\0\0\0\0', 'latin1'),
    ]) {
      await rejectsCleanly(directory, [writeLayerFile(directory, archive, compress)], {}, { code: 'layer-unreadable' });
    }
  });

  test('refuses what goes beyond its limits', async () => {
    const directory = temporaryDirectory();
    const zeros = writeLayerFile(directory, writeArchive([file('zeros', Buffer.alloc(4_000_000))]), gzipSync);
    for (const [limits, code] of [
      [{ maxInflation: 100, inflationGraceBytes: 1_000_000 }, 'layer-inflates'],
      [{ maxContentBytes: 3_000_000 }, 'image-too-large'],
    ] as const) {
      await rejectsCleanly(directory, [zeros], { limits: { ...defaultConvertOptions.limits, ...limits } }, { code });
    }
    const many = writeLayerFile(directory, writeArchive(Array.from({ length: 100 }, (_, index) => file(`f${index}`))));
    for (const limits of [{ maxEntries: 50 }, { maxPathBytes: 100 }]) {
      const options = { limits: { ...defaultConvertOptions.limits, ...limits } };
      await rejectsCleanly(directory, [many], options, { code: 'image-too-large' });
    }
    // A hole costs nothing in the archive and nearly nothing in the image, but there is an end to it.
    const hole = makeMember({ path: 'hole', sizeBytes: 0 });
    const sparse = Buffer.concat([sparseHeader(hole, 8 * 10 ** 9), Buffer.alloc(1024)]);
    const few = { limits: { ...defaultConvertOptions.limits, maxContentBytes: 10 ** 9 } };
    await rejectsCleanly(directory, [writeLayerFile(directory, sparse)], few, { code: 'image-too-large' });
  });

  test('stops when asked to, and leaves neither file nor process', async () => {
    const directory = temporaryDirectory();
    const layer = writeLayerFile(directory, writeArchive([file('big', randomBytes(20_000_000))]), (bytes) =>
      gzipSync(bytes, { level: 1 }),
    );
    for (const delayMs of [0, 5, 30, 100, 200]) {
      const reason = new Error('asked to stop');
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort(reason), delayMs);
      await rejectsCleanly(
        directory,
        [layer],
        { signal: controller.signal, compressor: { compression: 'zstd', level: 19 } },
        reason,
      );
      clearTimeout(timer);
    }
  });

  test('says disk-full when the disk is full', { skip: needs({ root: true }) }, async () => {
    const directory = temporaryDirectory();
    const small = join(directory, 'small');
    mkdirSync(small);
    await runOk(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
    try {
      const layer = writeLayerFile(directory, writeArchive([file('big', randomBytes(8_000_000))]));
      await rejectsCleanly(small, [layer], {}, { code: 'disk-full', message: /ENOSPC/ });
      assert.deepEqual(readdirSync(small), []);
    } finally {
      await runOk(['umount', small]);
    }
  });
});

/** Fails as expected, without an image left and without a child process. */
async function rejectsCleanly(
  directory: string,
  layers: Parameters<typeof convert>[1],
  options: Partial<ConvertOptions> & { signal?: AbortSignal },
  expected: Error | { code: string; message?: RegExp },
): Promise<void> {
  await assert.rejects(convert(directory, layers, { ...options, name: 'failed' }), expected);
  assert.ok(!existsSync(join(directory, 'failed')), 'no image is left');
  assert.deepEqual(childrenOfThisProcess(), []);
}

function childrenOfThisProcess(): readonly string[] {
  return readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'latin1')
      .split(' ')
      .filter((pid) => pid !== ''),
  );
}

/** Bytes that don't compress, the same each time. */
function randomBytes(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  let state = 1;
  for (let at = 0; at < count; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** An old GNU sparse header for a file that is one hole. */
function sparseHeader(member: Member, sizeBytes: number): Buffer {
  const header = writeArchive([member]).subarray(0, 512);
  header.write('S', 156, 'latin1');
  header.write('ustar  \0', 257, 'latin1');
  header.fill(0, 345);
  header.write(`${sizeBytes.toString(8).padStart(11, '0')} `, 483, 'latin1');
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}
