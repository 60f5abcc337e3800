// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { SlipwayError } from '../../model/index.ts';
import { type Member, makeMember, readArchive, writeArchive } from './archive.test-helper.ts';
import { sealHeaderBlock } from './header.ts';
import { encodeTarHeader, tarEnd } from './index.ts';
import { formatPaxRecord } from './pax.ts';

const plain = makeMember({ path: 'dir/file', content: Buffer.from('content') });

/** One header block with bytes changed and its checksum made right again. */
function patched(member: Member, ...changes: readonly (readonly [at: number, bytes: string])[]): Buffer {
  const header = encodeTarHeader(member);
  for (const [at, bytes] of changes) header.write(bytes, at, 'latin1');
  sealHeaderBlock(header);
  return header;
}

function extended(typeflag: string, body: Buffer | string, sizeBytes?: number): Buffer {
  const bytes = Buffer.from(body as string, 'latin1');
  const header = patched(makeMember({ path: 'extended', sizeBytes: sizeBytes ?? bytes.length }), [156, typeflag]);
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

function refuses(archive: Buffer, reason: RegExp, offset = 0): void {
  const expected = new RegExp(`^read tar archive: at byte ${offset}: .*${reason.source}`);
  assert.throws(() => readArchive(archive), { code: 'tar-malformed', message: expected });
  assert.throws(() => readArchive(archive, [7]), { code: 'tar-malformed', message: expected });
}

test('every truncation is noticed, but between entries', () => {
  const archive = writeArchive([plain, makeMember({ path: 'b'.repeat(300), content: Buffer.from('more') })]);
  const boundaries = new Set([0, 1024, archive.length - 1024, archive.length - 512, archive.length]);
  for (let length = 0; length <= archive.length; length += 1) {
    const read = (): unknown => readArchive(archive.subarray(0, length));
    if (boundaries.has(length)) assert.doesNotThrow(read, `${length} bytes`);
    else assert.throws(read, { code: 'tar-malformed', message: new RegExp(`at byte ${length}: `) }, `${length} bytes`);
  }
});

test('zeros may follow the end, anything else may not', () => {
  const archive = writeArchive([plain]);
  assert.equal(readArchive(Buffer.concat([archive, Buffer.alloc(9000)])).length, 1);
  refuses(
    Buffer.concat([archive, Buffer.alloc(600), Buffer.from('x')]),
    /something follows the end/,
    archive.length + 600,
  );
  const hidden = Buffer.concat([encodeTarHeader({ ...plain, sizeBytes: 0 }), Buffer.alloc(512), writeArchive([plain])]);
  refuses(hidden, /a single zero block stands between/, 512);
});

test('a header whose checksum is wrong is refused; sums of signed bytes are right', () => {
  const bad = encodeTarHeader(plain);
  bad[0] = 0x7a;
  refuses(bad, /checksum/);

  const member = makeMember({ path: 'na\xefve' });
  const signed = encodeTarHeader(member);
  const stored = Number.parseInt(signed.toString('latin1', 148, 154), 8);
  signed.write((stored - 256).toString(8).padStart(6, '0'), 148, 'latin1');
  assert.deepEqual(readArchive(signed)[0]?.path, member.path);
});

test('pax records that lie about their length are refused', () => {
  const lies = ['13 path=abc\n', '11 path=abc\n', '10 path=abc\n', '11 path=abc', '0 \n', ' path=abc\n', 'path'];
  for (const record of [...lies, '6 =ab\n', '6 abc\n']) {
    refuses(Buffer.concat([extended('x', record), writeArchive([plain])]), /pax record/);
  }
});

test('pax values that can not be are refused', () => {
  for (const [key, value] of [
    ['uid', '-1'],
    ['gid', '4294967296'],
    ['size', '99999999999999999'],
    ['size', '1e100'],
    ['mtime', 'now'],
    ['path', 'a\0bcd'],
    ['linkpath', 'a\0'],
    ['SCHILY.xattr.', 'value'],
    ['GNU.sparse.offset', '-5'],
  ] as const) {
    const reason = key.startsWith('SCHILY') ? /attribute/ : new RegExp(key);
    const header = extended('x', formatPaxRecord(key, Buffer.from(value)));
    refuses(Buffer.concat([header, writeArchive([plain])]), reason);
  }
});

test('an empty pax value takes back what an earlier record said', () => {
  const archive = Buffer.concat([extended('x', '12 path=abc\n8 path=\n'), writeArchive([plain])]);
  assert.equal(readArchive(archive)[0]?.path.toString(), 'dir/file');
});

test('names and attributes beyond their bounds are refused before memory is spent', () => {
  refuses(extended('L', '', 5000), /longer than 4097/);
  refuses(extended('x', '', 2 ** 32), /longer than 1048576/);
  const long = formatPaxRecord('path', Buffer.alloc(4097, 'a'));
  refuses(Buffer.concat([extended('x', long), writeArchive([plain])]), /longer than 4096/);
});

test('numbers in base 256 are read, and refused where they are out of range', () => {
  assert.equal(
    readArchive(patched({ ...plain, sizeBytes: 0 }, [108, '\x80\0\0\0\xff\xff\xff\xff']))[0]?.uid,
    0xffff_ffff,
  );
  const beforeEpoch = patched({ ...plain, sizeBytes: 0 }, [136, '\xff'.repeat(11) + '\xfe']);
  assert.equal(readArchive(beforeEpoch)[0]?.mtimeSec, -2);
  refuses(patched(plain, [124, `\x80${'\xff'.repeat(11)}`]), /size field is out of range/);
  refuses(patched(plain, [124, '\xff'.repeat(12)]), /size is negative/);
  refuses(patched(plain, [108, '\xff'.repeat(8)]), /uid/);
});

test('entries that would be misread are refused', () => {
  refuses(patched(plain, [156, 'M']), /multi-volume/);
  refuses(patched(plain, [156, 'D']), /type "D"/);
  refuses(patched(makeMember({ path: 'link', type: 'symlink', linkTarget: '' })), /points to nothing/);
  refuses(Buffer.concat([extended('x', '12 path=abc\n'), tarEnd]), /no entry/, 1024);
  refuses(Buffer.concat([extended('g', '12 path=abc\n'), writeArchive([plain])]), /global pax header/);
});

test('sparse maps that do not fit their file are refused', () => {
  const stored = makeMember({ path: 'sparse', content: Buffer.alloc(10, 'x') });
  const withMap = (map: string, sizeBytes: string): Buffer => {
    const records = [
      formatPaxRecord('GNU.sparse.map', Buffer.from(map)),
      formatPaxRecord('GNU.sparse.size', Buffer.from(sizeBytes)),
    ];
    return Buffer.concat([extended('x', Buffer.concat(records)), writeArchive([stored])]);
  };
  const content = readArchive(withMap('2,4,8,0,9,6', '20'))[0]?.content;
  assert.deepEqual(content, Buffer.from('\0\0xxxx\0\0\0xxxxxx\0\0\0\0\0'));
  const header = 1024;
  for (const [map, sizeBytes, reason] of [
    ['8,5,0,5', '20', /goes backwards/],
    ['0,6,5,4', '20', /goes backwards/],
    ['0,5,16,5', '20', /leaves the file/],
    ['0,5,6,4', '20', /names 9 bytes where 10 are stored/],
    ['0,5,6,6', '20', /names 11 bytes where 10 are stored/],
    ['0,5,6', '20', /odd number/],
    ['0,-5', '20', /GNU.sparse.map/],
    ['0,10', 'many', /GNU.sparse.size/],
  ] as const) {
    refuses(withMap(map, sizeBytes), reason, header);
  }
});

test('a global pax header holds for all entries that do not say otherwise', () => {
  const archive = Buffer.concat([
    extended('g', formatPaxRecord('uid', Buffer.from('1234'))),
    extended('x', formatPaxRecord('uid', Buffer.from('77'))),
    writeArchive([plain, plain]),
  ]);
  assert.deepEqual(
    readArchive(archive).map((member) => member.uid),
    [77, 1234],
  );
});

test('old archives: a trailing slash makes a directory where there is no type', () => {
  const directory = patched(makeMember({ path: 'old/' }), [156, '\0'], [257, '\0'.repeat(8)]);
  assert.equal(readArchive(directory)[0]?.type, 'directory');
  refuses(patched(makeMember({ path: 'old/', sizeBytes: 512 }), [156, '\0']), /a directory has content/);
});

test('only files have content, whatever size another type claims', () => {
  const link = patched(makeMember({ path: 'hard', type: 'hardlink', linkTarget: 'dir/file' }), [124, '00000001000\0']);
  const members = readArchive(Buffer.concat([link, writeArchive([plain])]));
  assert.deepEqual(
    members.map((member) => member.path.toString()),
    ['hard', 'dir/file'],
  );
});

test('arbitrary bytes are read or refused, never anything else', () => {
  const headers = fc.array(
    fc.record({
      flag: fc.constantFrom('0', '\0', '1', '2', '5', 'x', 'g', 'L', 'K', 'S', 'V', '7', 'Z'),
      body: fc.oneof(
        fc.uint8Array({ maxLength: 1100 }),
        fc.string({ maxLength: 60 }).map((text) => Buffer.from(text)),
      ),
      noise: fc.array(fc.tuple(fc.nat(511), fc.nat(255)), { maxLength: 4 }),
    }),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(headers, fc.uint8Array({ maxLength: 700 }), fc.integer({ min: 1, max: 900 }), (parts, tail, size) => {
      const archive = parts.flatMap(({ flag, body, noise }) => {
        const header = patched(makeMember({ path: 'a', sizeBytes: body.length }), [156, flag]);
        for (const [at, byte] of noise) header[at] = byte;
        sealHeaderBlock(header);
        return [header, Buffer.from(body), Buffer.alloc((512 - (body.length % 512)) % 512)];
      });
      onlySlipwayErrors(() => readArchive(Buffer.concat([...archive, tail]), [size]));
    }),
    { numRuns: 2000 },
  );
});

test('damaged archives are read or refused, never anything else', () => {
  const archive = writeArchive([
    plain,
    makeMember({ path: 'é'.repeat(150), mtimeSec: -5, mtimeNsec: 1, xattrs: new Map([['user.a', Buffer.from('b')]]) }),
    makeMember({ path: 'l', type: 'symlink', linkTarget: 'x'.repeat(200) }),
  ]);
  const damage = fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(damage, fc.boolean(), (bytes, isSealed) => {
      const damaged = Buffer.from(archive);
      for (const [at, byte] of bytes) {
        damaged[at] = byte;
        // Without this nearly all damage ends at the checksum.
        if (isSealed) sealHeaderBlock(damaged.subarray(at - (at % 512), at - (at % 512) + 512));
      }
      onlySlipwayErrors(() => readArchive(damaged));
    }),
    { numRuns: 2000 },
  );
});

function onlySlipwayErrors(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    // The helper's own bound on holes.
    if (!(error instanceof RangeError)) assert.ok(error instanceof SlipwayError, String(error));
  }
}
