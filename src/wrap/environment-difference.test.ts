// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { EnvironmentEdit } from '../model/index.ts';
import { environmentDifference, knownText, parseVariables, type Variables } from './environment-difference.ts';

/** The environment after a script of bash. */
function after(script: string, before: Variables): Variables {
  const env = Object.fromEntries(
    Object.entries(before).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  return parseVariables(spawnSync('/bin/bash', ['--norc', '-c', `${script}\nenv -0`], { env }).stdout);
}

function differenceOf(script: string, names: readonly string[]): readonly EnvironmentEdit[] {
  const bare = { PATH: '/usr/bin:/bin' };
  const known = {
    ...Object.fromEntries(names.map((name) => [name, knownText(name)])),
    PATH: `${knownText('PATH')}:/usr/bin:/bin`,
  };
  return environmentDifference(
    { before: bare, after: after(script, bare) },
    { before: known, after: after(script, known) },
  );
}

suite('what a script does to variables', () => {
  const cases: readonly (readonly [string, string, readonly EnvironmentEdit[]])[] = [
    ['sets', 'export A=1', [{ edit: 'set', name: 'A', value: '1' }]],
    ['unsets', 'unset A', [{ edit: 'unset', glob: 'A' }]],
    ['sets where unset', 'export A=${A-x}', [{ edit: 'default', name: 'A', value: 'x' }]],
    ['puts before', 'export A=/x${A:+:$A}', [{ edit: 'prepend', name: 'A', value: '/x', separator: ':' }]],
    ['puts behind', 'export A=${A:+$A:}/x', [{ edit: 'append', name: 'A', value: '/x', separator: ':' }]],
    [
      'puts on both sides',
      'export A=/x:$A:/y',
      [
        { edit: 'prepend', name: 'A', value: '/x', separator: ':' },
        { edit: 'append', name: 'A', value: '/y', separator: ':' },
      ],
    ],
    ['puts before without a separator', 'export A=x$A', [{ edit: 'prepend', name: 'A', value: 'x', separator: '' }]],
    ['keeps a copy of another', 'if [ -n "${B+x}" ]; then export A=$B; fi', []],
    ['leaves all alone', 'A_local=1', []],
    ['puts before PATH', 'PATH=/p/bin:$PATH', [{ edit: 'prepend', name: 'PATH', value: '/p/bin', separator: ':' }]],
  ];
  for (const [name, script, expected] of cases) {
    test(name, () => assert.deepEqual(differenceOf(script, ['A', 'B']), expected));
  }
});

test('the edits give what the script gives, whatever is set before', () => {
  const value = fc.stringMatching(/^[a-z/]{1,6}$/);
  const line = fc.oneof(
    fc.tuple(fc.constantFrom('A', 'B'), value).map(([name, text]) => `export ${name}=${text}`),
    fc.tuple(fc.constantFrom('A', 'B'), value).map(([name, text]) => `export ${name}=${text}\${${name}:+:$${name}}`),
    fc.tuple(fc.constantFrom('A', 'B'), value).map(([name, text]) => `export ${name}=\${${name}:+$${name}:}${text}`),
    fc.constantFrom('unset A', 'unset B'),
  );
  const set = fc.option(value, { nil: undefined });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 3 }), set, set, (lines, a, b) => {
      const script = lines.join('\n');
      const before = {
        PATH: '/usr/bin:/bin',
        ...(a === undefined ? {} : { A: a }),
        ...(b === undefined ? {} : { B: b }),
      };
      const wanted = after(script, before);
      const made = applied(differenceOf(script, ['A', 'B']), before);
      assert.deepEqual([made['A'], made['B']], [wanted['A'], wanted['B']], script);
    }),
    { numRuns: 25 },
  );
});

/** As the launcher applies edits. */
function applied(edits: readonly EnvironmentEdit[], before: Variables): Variables {
  const made: Record<string, string | undefined> = { ...before };
  for (const edit of edits) {
    if (edit.edit === 'unset') delete made[edit.glob];
    else if (edit.edit === 'set') made[edit.name] = edit.value;
    else if (edit.edit === 'default') made[edit.name] ??= edit.value;
    else if (edit.edit === 'prepend' || edit.edit === 'append') {
      const old = made[edit.name] ?? '';
      const parts = edit.edit === 'prepend' ? [edit.value, old] : [old, edit.value];
      made[edit.name] = old === '' ? edit.value : parts.join(edit.separator);
    } else throw new Error(`nothing makes an edit of kind ${edit.edit}`);
  }
  return made;
}
