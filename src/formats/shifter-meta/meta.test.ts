// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseImageMeta, readWordList } from './index.ts';

test('reads what the gateway writes', () => {
  const read = parseImageMeta(
    "FORMAT: squashfs\nENTRY: ['/bin/sh', '-c']\nCMD: ['/bin/sh']\nWORKDIR: /opt/app\nUSERACL: 1000,500\nGROUPACL: 100\nENV: PATH=/usr/bin:/bin\nENV: EMPTY=\nUSER: ann\n",
  );
  assert.deepEqual(read, {
    ok: true,
    meta: {
      format: 'squashfs',
      env: ['PATH=/usr/bin:/bin', 'EMPTY='],
      entrypoint: ['/bin/sh', '-c'],
      cmd: ['/bin/sh'],
      workdir: '/opt/app',
      userIds: [1000, 500],
      groupIds: [100],
      importer: 'ann',
    },
  });
});

test('reads lists as Python and as JSON write them', () => {
  assert.deepEqual(readWordList(`['a', "it's", u'b']`), ['a', "it's", 'b']);
  assert.deepEqual(readWordList('["/bin/sh", "-c"]'), ['/bin/sh', '-c']);
  assert.deepEqual(readWordList('/bin/sh -c'), ['/bin/sh -c']);
  assert.deepEqual(readWordList(String.raw`['a\'b', 'c\\d']`), ["a'b", String.raw`c\d`]);
  assert.deepEqual(readWordList(''), []);
});

test('lets nobody in by a list that names nobody, and everybody by an empty one', () => {
  assert.equal(parseImageMeta('FORMAT: squashfs\nUSERACL: ann,bob').ok, false);
  assert.equal(
    parseImageMeta(`FORMAT: squashfs\nUSERACL: ${Array.from({ length: 1001 }, (_, i) => i).join(',')}`).ok,
    false,
  );
  const empty = parseImageMeta('FORMAT: squashfs\nUSERACL: \n');
  assert.deepEqual(empty.ok && empty.meta.userIds, []);
  const mixed = parseImageMeta('FORMAT: squashfs\nUSERACL: ann, 7,');
  assert.deepEqual(mixed.ok && mixed.meta.userIds, [7]);
});

test('reads anything without failing', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseImageMeta(`FORMAT: x\n${text}\nENTRY: ${text}`)));
});
