// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type Member, makeMember, readArchive, writeArchive } from './archive.test-helper.ts';

const nameByte = fc.integer({ min: 1, max: 255 });
const name = fc
  .oneof(fc.array(nameByte, { minLength: 1, maxLength: 20 }), fc.array(nameByte, { minLength: 90, maxLength: 400 }))
  .map((bytes) => Buffer.from(bytes))
  // A slash at the end belongs to directories, to whom the writer gives it.
  .map((bytes) => Buffer.concat([bytes, Buffer.from('x')]));
const slashed = fc
  .array(fc.stringMatching(/^[a-z.]{1,60}$/), { minLength: 1, maxLength: 8 })
  .map((parts) => Buffer.from(parts.join('/')));
const path = fc.oneof(name, slashed);
const id = fc.oneof(fc.nat(0o7777777), fc.nat(0xffff_ffff));
const common = {
  path,
  mode: fc.nat(0o7777),
  uid: id,
  gid: id,
  mtimeSec: fc.oneof(fc.nat(2 ** 31 - 1), fc.integer({ min: -(2 ** 40), max: 2 ** 40 })),
  mtimeNsec: fc.oneof(fc.constant(0), fc.nat(999_999_999)),
  xattrs: fc
    .array(
      fc.tuple(
        fc.stringMatching(/^(user|security)\.[a-z.]{1,20}$/),
        fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      ),
      { maxLength: 3 },
    )
    .map((pairs) => new Map(pairs)),
};
const nothing = { content: fc.constant(Buffer.alloc(0)), sizeBytes: fc.constant(0) };
const noDevice = { devMajor: fc.constant(0), devMinor: fc.constant(0) };
const noLink = { linkTarget: fc.constant(Buffer.alloc(0)) };
const member: fc.Arbitrary<Member> = fc.oneof(
  fc
    .record({ ...common, ...noDevice, ...noLink, content: fc.uint8Array({ maxLength: 2000 }) })
    .map((fields): Member => {
      const content = Buffer.from(fields.content);
      return { ...fields, type: 'file', content, sizeBytes: content.length };
    }),
  fc.record({ ...common, ...noDevice, ...noLink, ...nothing, type: fc.constantFrom('directory', 'fifo') }),
  fc.record({ ...common, ...noDevice, ...nothing, linkTarget: path, type: fc.constantFrom('symlink', 'hardlink') }),
  fc.record({
    ...common,
    ...noLink,
    ...nothing,
    type: fc.constantFrom('character-device', 'block-device'),
    devMajor: fc.nat(0o7777777),
    devMinor: fc.nat(0o7777777),
  }),
);

test('what is written reads back the same, however it is cut into chunks', () => {
  fc.assert(
    fc.property(
      fc.array(member, { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 4 }),
      (members, sizes) => {
        const expected = members.map((each) => ({
          ...each,
          path: each.type === 'directory' ? Buffer.concat([each.path, Buffer.from('/')]) : each.path,
        }));
        assert.deepEqual(readArchive(writeArchive(members), sizes), expected);
      },
    ),
    { numRuns: 500 },
  );
});

test('sizes beyond octal are written and read', () => {
  const huge = makeMember({ path: 'huge', sizeBytes: 2 ** 40 });
  const archive = writeArchive([huge]);
  // Only the header: a terabyte of content is not going to follow.
  assert.throws(() => readArchive(archive), { code: 'tar-malformed' });
  assert.match(archive.toString('latin1'), / size=1099511627776\n/);
});

test('paths that just fit the two name fields, and just do not, are written and read', () => {
  for (const before of [1, 99, 154, 155, 156]) {
    for (const behind of [1, 98, 99, 100, 101]) {
      for (const type of ['file', 'directory'] as const) {
        const path = `${'a'.repeat(before)}/${'b'.repeat(behind)}`;
        const [member] = readArchive(writeArchive([makeMember({ path, type })]));
        assert.equal(member?.path.toString(), type === 'directory' ? `${path}/` : path);
      }
    }
  }
});
