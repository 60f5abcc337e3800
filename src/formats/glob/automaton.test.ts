// SPDX-License-Identifier: Apache-2.0
// The C library itself says what matches: random patterns and names, both matchers, same answers.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { compileGlob, globMatches } from './index.ts';

const piece = fc.constantFrom('a', 'b', 'A', '_', '*', '?', '[ab]', '[!a]', '[^b]', '[a-c]', '[[:upper:]]', '\\*');
// Of a list in a list or behind a star, of an empty choice and of an empty text, the C library's own answers contradict
// its manual now and then.
const plain = fc
  .array(fc.constantFrom('a', 'b', '?', '[ab]', '*'), { minLength: 1, maxLength: 2 })
  .map((pieces) => pieces.join(''));
const list = fc
  .tuple(fc.constantFrom('@', '?', '*', '+', '!'), fc.array(plain, { minLength: 1, maxLength: 3 }))
  .map(([sign, choices]) => `${sign}(${choices.join('|')})`);
const patterns = fc
  .tuple(fc.option(list), fc.array(piece, { maxLength: 4 }))
  .map(([first, pieces]) => [first ?? '', ...pieces].join(''));
const names = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'A', '_', '*'), minLength: 1, maxLength: 6 });

suite('a compiled pattern', () => {
  test('matches what fnmatch(3) matches', (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'fnmatch-oracle-'));
    try {
      const oracle = join(folder, 'oracle');
      const source = join(import.meta.dirname, 'testing', 'fnmatch-oracle.c');
      const compiled = spawnSync('cc', ['-D_GNU_SOURCE', '-O1', '-o', oracle, source], { encoding: 'utf8' });
      if (compiled.error !== undefined) return context.skip(`no C compiler: ${compiled.error.message}`);
      assert.equal(compiled.status, 0, compiled.stderr);
      const sample = fc.sample(fc.tuple(patterns, names), { numRuns: 250 });
      const ran = spawnSync(oracle, [], {
        input: sample.flatMap(([pattern, name]) => [`${pattern}\0`, `${name}\0`]).join(''),
        encoding: 'latin1',
        env: { LC_ALL: 'C' },
      });
      assert.equal(ran.stdout.length, sample.length);
      for (const [index, [pattern, name]] of sample.entries()) {
        const said = `${JSON.stringify(pattern)} and ${JSON.stringify(name)}`;
        assert.equal(globMatches(compileGlob(pattern), name) ? '1' : '0', ran.stdout[index], said);
      }
      // Both answers must have been frequent for the comparison to be worth something.
      assert.ok(ran.stdout.split('1').length > 15);
    } finally {
      rmSync(folder, { recursive: true });
    }
    return undefined;
  });

  test('takes what is not complete for itself', () => {
    for (const pattern of ['[ab', '@(a', '[', '!(', 'a[', '[!']) {
      assert.ok(globMatches(compileGlob(pattern), pattern), pattern);
    }
  });

  test('is refused where it is too involved or too long', () => {
    assert.throws(() => compileGlob('a'.repeat(251)), RangeError);
    assert.throws(() => compileGlob(`*a${'?'.repeat(30)}`), RangeError);
  });

  test('never fails otherwise', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (pattern, name) => {
        try {
          globMatches(compileGlob(pattern), name);
        } catch (error) {
          assert.ok(error instanceof RangeError);
        }
      }),
    );
  });
});
