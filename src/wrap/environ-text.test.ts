// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { editsOfEnvironText } from './environ-text.ts';

suite('text that sets variables', () => {
  test('plain lines become edits', () => {
    const text = `# a comment
export A="one two" B='$x'
export PATH=/p/bin:$PATH
export LIST=\${LIST}:/last
export BOTH="$A/three"
unset C D
`;
    assert.deepEqual(editsOfEnvironText(text), [
      { edit: 'set', name: 'A', value: 'one two' },
      { edit: 'set', name: 'B', value: '$x' },
      { edit: 'prepend', name: 'PATH', value: '/p/bin', separator: ':' },
      { edit: 'append', name: 'LIST', value: '/last', separator: ':' },
      { edit: 'set', name: 'BOTH', value: 'one two/three' },
      { edit: 'unset', glob: 'C' },
      { edit: 'unset', glob: 'D' },
    ]);
  });

  const forShell = [
    'A=1',
    'export A=$(date)',
    'export A=`date`',
    'export A=$HOME',
    'export A=1; export B=2',
    'export A',
    'if true; then export A=1; fi',
    'export A="open',
    'export A=~/x',
    'export A=${A:-1}',
    'export A=x$A',
    'source other',
    'export A=1 && true',
    'export A=*',
  ];
  for (const text of forShell) {
    test(`only a shell can tell: ${text}`, () => assert.equal(editsOfEnvironText(text), undefined));
  }

  test('a value that is read is the one that bash reads', () => {
    const part = fc.oneof(
      fc.stringMatching(/^[A-Za-z0-9/:._ -]{0,5}$/).map((text) => `"${text}"`),
      fc.stringMatching(/^[^'\u0000\n]{0,5}$/).map((text) => `'${text}'`),
      fc.stringMatching(/^[A-Za-z0-9/:._-]{1,5}$/),
      fc.constantFrom('\\$', '\\"', '"\\$"', '"\\a"', "\\'"),
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
        const text = `export A=${parts.join('')}`;
        const [edit] = editsOfEnvironText(text) ?? [];
        const said = spawnSync('/bin/bash', ['--norc', '-c', `${text}\nprintf %s "$A"`], { env: {} }).stdout.toString();
        if (edit !== undefined) assert.deepEqual(edit, { edit: 'set', name: 'A', value: said }, text);
      }),
      { numRuns: 60 },
    );
  });
});
