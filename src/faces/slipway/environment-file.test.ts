// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { hasCode } from '../../model/index.ts';
import { parseEnvironmentFile, parseVariable } from './environment-file.ts';

test('a variable is NAME=value or NAME; the value may hold anything', () => {
  for (const [text, name, value] of [
    ['A=1', 'A', '1'],
    ['A=', 'A', ''],
    ['A=b=c', 'A', 'b=c'],
    ['A= x ', 'A', ' x '],
    ['A', 'A', undefined],
    ['SLURM_*', 'SLURM_*', undefined],
    ['a.b-c=\n', 'a.b-c', '\n'],
  ] as const) {
    assert.deepEqual(parseVariable(text), { name, value }, text);
  }
  for (const text of ['', '=', '=1', 'A B=1', 'A\t', ' A=1', 'A=\0']) {
    assert.equal(parseVariable(text), undefined, JSON.stringify(text));
  }
});

test('a file has one a line, comments and blank lines between', () => {
  const text = '# comment\n\n  A=1\r\n\t\nB="x" # no comment\n   # another\nC\nD=last line without an end';
  assert.deepEqual(parseEnvironmentFile(text, '/f'), [
    { name: 'A', value: '1' },
    { name: 'B', value: '"x" # no comment' },
    { name: 'C', value: undefined },
    { name: 'D', value: 'last line without an end' },
  ]);
  assert.deepEqual(parseEnvironmentFile('', '/f'), []);
});

test('a bad line is named', () => {
  assert.throws(
    () => parseEnvironmentFile('A=1\n\nB C=2\n', '/etc/vars'),
    (error) => hasCode(error, 'environment-file-malformed') && error.message.includes('/etc/vars: line 3'),
  );
});

test('what was written is read again', () => {
  const name = fc.string({ unit: fc.constantFrom('A', 'b', '_', '.', '1', 'é'), minLength: 1, maxLength: 5 });
  const value = fc.string().map((text) => text.replaceAll(/[\n\r\0]/g, ''));
  fc.assert(
    fc.property(fc.array(fc.record({ name, value })), (variables) => {
      const text = variables.map((variable) => `${variable.name}=${variable.value}\n`).join('');
      assert.deepEqual(
        parseEnvironmentFile(text, '/f').map((variable) => ({ ...variable })),
        variables.map((variable) => ({ ...variable })),
      );
    }),
  );
});
