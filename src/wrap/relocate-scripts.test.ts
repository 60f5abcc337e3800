// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { relocatedScript } from './relocate-scripts.ts';

await suite('scripts that find their interpreter by a shell', () => {
  const ends = [`\n' '''\nprint(1)\n`, ` #'''\nprint(1)\n`];
  const placed = `"$(if [ -x '/a b'`;

  test('of pip, uv and conda look where they stand', () => {
    for (const end of ends) {
      for (const quote of ['"', "'"]) {
        const text = `#!/bin/sh\n'''exec' ${quote}/a b/bin/python3.11${quote} "$0" "$@"${end}`;
        const changed = relocatedScript(text, '/a b') ?? '';
        assert.ok(changed.startsWith(`#!/bin/sh\n'''exec' ${placed}/bin/python3.11 ]`), changed);
        assert.ok(changed.endsWith(`/bin/python3.11" "$0" "$@"${end}`), changed);
      }
    }
    assert.ok(relocatedScript(`#!/bin/sh\n'''exec' /long/bin/python "$0" "$@"${ends[0]}`, '/long') !== undefined);
  });

  test('of others, and of other places, stay as they are', () => {
    assert.equal(relocatedScript(`#!/bin/sh\n'''exec' "/other/bin/python" "$0" "$@"${ends[0]}`, '/a b'), undefined);
    assert.equal(relocatedScript('#!/bin/sh\nexec "/a b/bin/python" "$0" "$@"\n', '/a b'), undefined);
    assert.equal(relocatedScript('#!/a/bin/python\n', '/a'), undefined);
    // What a shell needs for such a name would end the text for Python.
    assert.equal(relocatedScript(`#!/bin/sh\n'''exec' "/a''/bin/python" "$0" "$@"${ends[0]}`, "/a''"), undefined);
  });
});
