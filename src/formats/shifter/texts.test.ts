// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { anyText } from '../../model/any-text.test-helper.ts';
import { formatMetaFile, type MetaFile, parseMetaFile } from './meta-file.ts';
import { isConvertedBySlipway } from './meta-file.ts';
import { formatPythonList, parsePythonList } from './python-list.ts';

const meta: MetaFile = {
  format: 'squashfs',
  entry: ['/bin/sh', '-c'],
  cmd: ["it's"],
  workdir: '/opt/app',
  userAcl: [1000, 500],
  groupAcl: [],
  env: ['PATH=/usr/bin:/bin', 'EMPTY='],
  importer: undefined,
};

test('the text is that of the original gateway, behind a comment that says who made the image', () => {
  assert.equal(
    formatMetaFile(meta),
    `# converted by Slipway
FORMAT: squashfs
ENTRY: ['/bin/sh', '-c']
CMD: ["it's"]
WORKDIR: /opt/app
USERACL: 1000,500
GROUPACL: 
ENV: PATH=/usr/bin:/bin
ENV: EMPTY=
`,
  );
  assert.deepEqual(parseMetaFile(formatMetaFile(meta)), meta);
});

test('a value that would make a line of its own is left out', () => {
  const text = formatMetaFile({ ...meta, env: ['A=1\nUSERACL: 7', 'B=2\\', 'C=3'], workdir: '/x\nFORMAT: ext4' });
  assert.deepEqual(parseMetaFile(text).env, ['C=3']);
  assert.equal(parseMetaFile(text).format, 'squashfs');
});

test('comments, continued lines and unknown keys', () => {
  const read = parseMetaFile('# x\nFORMAT : squashfs\nENV: A=1 \\\n# no\n  2\nnothing\nVOLUME: /x\nUSERACL: 1, x,2\n');
  assert.deepEqual(read.env, ['A=1 2']);
  assert.deepEqual(read.userAcl, [1, 2]);
  assert.throws(() => parseMetaFile('USERACL: x\n'), /USERACL holds no id/);
  assert.deepEqual(parseMetaFile('ENTRY: /bin/sh -c\nCMD: ["a", "b"]\n').entry, ['/bin/sh -c']);
  assert.deepEqual(parseMetaFile('CMD: ["a", "b"]\n').cmd, ['a', 'b']);
});

test('every list of words comes back', () => {
  fc.assert(
    fc.property(fc.array(anyText({ maxLength: 20 })), (words) => {
      const text = formatPythonList(words);
      assert.doesNotMatch(text, /\n/);
      assert.deepEqual(parsePythonList(text), words);
    }),
  );
});

test('what is no list is none', () => {
  for (const text of ['', '[', '[a]', "['a'", "['a' 'b']", "['a',]x", '/bin/sh']) {
    assert.equal(parsePythonList(text), undefined, text);
  }
  assert.deepEqual(parsePythonList("[u'a', 'b']"), ['a', 'b']);
  fc.assert(fc.property(fc.string(), (text) => void parsePythonList(text)));
});

test('an image that was taken over from somebody is none that Slipway made', () => {
  assert.equal(isConvertedBySlipway(formatMetaFile(meta)), true);
  assert.equal(isConvertedBySlipway(formatMetaFile({ ...meta, importer: 'ann' })), false);
  assert.equal(isConvertedBySlipway('# converted by Slipway\nFORMAT: squashfs\nUSER: ann\n'), false);
  assert.equal(isConvertedBySlipway('FORMAT: squashfs\n'), false);
});
