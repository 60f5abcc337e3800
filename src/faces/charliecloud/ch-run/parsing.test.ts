// SPDX-License-Identifier: Apache-2.0
// The small readers behind ch-run's options. What they do with whole command lines is compared with Debian's ch-run in
// test/charliecloud.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { type OptionEntry, optionTableFaults, parseArguments } from '../../../formats/getopt/index.ts';
import { hasCode } from '../../../model/index.ts';
import { hasVariables, parseAssignments } from './assignments.ts';
import { parseBind } from './bind-option.ts';
import { chRunOptions } from './description.ts';
import { fakeSizeBytes } from './fake-size.ts';
import { parseNumber } from './options.ts';

suite('ch-run', () => {
  test('has an option table that getopt can take', () => {
    assert.deepEqual(optionTableFaults(chRunOptions), []);
  });

  test('understands every abbreviation that releases without CDI understand', () => {
    const cdi: readonly string[] = ['cdi-dirs', 'device', 'devices'];
    const older = chRunOptions.filter(({ long }) => !cdi.includes(long));
    const read = (table: readonly OptionEntry[], word: string): string | undefined => {
      const parsed = parseArguments(table, [word, 'value'], { mode: 'stop-at-operand' });
      return parsed.ok ? parsed.options[0]?.option.long : undefined;
    };
    const words = older.flatMap(({ long }) => Array.from(long, (_, index) => `--${long.slice(0, index + 1)}`));
    const understood = words.filter((word) => read(older, word) !== undefined);
    assert.ok(understood.length > 100);
    for (const word of understood) assert.equal(read(chRunOptions, word), read(older, word), word);
    assert.deepEqual([read(chRunOptions, '--device'), read(chRunOptions, '--cdi')], ['device', 'cdi-dirs']);
  });

  test('divides --bind at the first colon', () => {
    assert.deepEqual(parseBind('/a'), { source: '/a', target: '/a' });
    assert.deepEqual(parseBind('a:/b:c'), { source: 'a', target: '/b:c' });
    for (const text of ['', ':', ':/a', 'a:', 'a:b', 'a:/', 'a://', 'relative']) {
      assert.throws(
        () => parseBind(text),
        (error) => hasCode(error, 'charliecloud-option'),
        text,
      );
    }
  });

  test('reads numbers as strtol does, and all of the text', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }), (number) => {
        assert.equal(parseNumber('--uid', String(number)), number);
        assert.equal(parseNumber('--uid', ` +${Math.abs(number)}`), Math.abs(number));
      }),
    );
    for (const [text, reason] of [
      ['', 'no digits found'],
      ['x1', 'no digits found'],
      ['1x', 'extra characters after digits'],
      ['2147483648', 'out of range'],
    ] as const) {
      assert.throws(() => parseNumber('--uid', text), { message: `--uid: ${reason}` });
    }
  });

  test('takes any value for a variable, and single quotes off a whole one', () => {
    const name = fc.string({ minLength: 1 }).filter((text) => !text.includes('='));
    const value = fc.string().filter((text) => !(text.length >= 2 && text.startsWith("'") && text.endsWith("'")));
    fc.assert(
      fc.property(name, value, (variable, text) => {
        const read = (record: string): unknown => parseAssignments([record], () => record);
        assert.deepEqual(read(`${variable}=${text}`), [{ name: variable, value: text }]);
        assert.deepEqual(read(`${variable}='${text}'`), [{ name: variable, value: text }]);
      }),
    );
    assert.deepEqual(
      parseAssignments(['', 'A='], () => ''),
      [{ name: 'A', value: '' }],
    );
    assert.throws(() => parseAssignments(['A=1', 'x'], (at) => `f:${at + 1}`), { message: /no delimiter: f:2$/ });
    assert.throws(() => parseAssignments(['=x'], () => '=x'), { message: /empty name: =x$/ });
  });

  test('expands what stands between colons alone', () => {
    for (const [text, expected] of [
      ['$A', true],
      ['a:$A', true],
      ['$', false],
      ['a$A', false],
      ['', false],
      ['::', false],
    ] as const) {
      assert.equal(hasVariables(text), expected, text);
    }
  });

  test('reads sizes as tmpfs does', () => {
    assert.equal(fakeSizeBytes('12m'), 12 << 20);
    assert.equal(fakeSizeBytes('4096'), 4096);
    assert.ok(fakeSizeBytes('1%') > 0);
    for (const text of ['', '0', 'x', '-1', '1x', '12mm']) {
      assert.throws(() => fakeSizeBytes(text), { message: 'cannot mount tmpfs for overlay' }, text);
    }
  });
});
