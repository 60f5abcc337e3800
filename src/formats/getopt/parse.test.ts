// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { describeGetoptError, optionTableFaults, type ParseRules, parseArguments } from './index.ts';

const table = [
  { long: 'bind', short: 'b', argument: 'required', help: '' },
  { long: 'set-env', argument: 'optional', help: '' },
  { long: 'unset-env', argument: 'required', help: '' },
  { long: 'write-fake', short: 'W', argument: 'optional', help: '' },
  { long: 'write', short: 'w', argument: 'none', help: '' },
  { long: 'verbose', short: 'v', argument: 'none', help: '' },
  { long: 'entrypoint', aliases: ['entry'], argument: 'optional', help: '' },
  { short: 'n', argument: 'none', help: '' },
] as const;
const permute: ParseRules = { mode: 'permute', leadingOperands: 1 };
const command: ParseRules = { mode: 'stop-at-operand', leadingOperands: 1, dropsSeparatorAfterOperands: true };

function given(argv: readonly string[], rules: ParseRules = permute): string[] {
  const parsed = parseArguments(table, argv, rules);
  const words = parsed.options.map(({ name, value }) => (value === undefined ? name : `${name}=${value}`));
  return parsed.ok
    ? [...words, ...parsed.operands.map((operand) => `(${operand})`)]
    : [...words, describeGetoptError(parsed.error)];
}

test('splits a cluster and gives the rest of it to the letter that takes an argument', () => {
  assert.deepEqual(given(['-wvb/a:/b', 'img']), ['write', 'verbose', 'bind=/a:/b', '(img)']);
  assert.deepEqual(given(['-W12m', '-W', '12m']), ['write-fake=12m', 'write-fake', '(12m)']);
});

test('keeps the order across different options, with the index of each word', () => {
  const parsed = parseArguments(table, ['--set-env=A=1', 'img', '--unset-env', 'B', '--set-env'], permute);
  assert.ok(parsed.ok);
  assert.deepEqual(
    parsed.options.map(({ name, value, argvIndex }) => [name, value, argvIndex]),
    [
      ['set-env', 'A=1', 0],
      ['unset-env', 'B', 2],
      ['set-env', undefined, 4],
    ],
  );
});

test('leaves the next word alone when an argument is optional', () => {
  assert.deepEqual(given(['--set-env', 'img']), ['set-env', '(img)']);
  assert.deepEqual(given(['--set-env=', 'img']), ['set-env=', '(img)']);
});

test('accepts an abbreviation of one option, even of two of its names', () => {
  assert.deepEqual(given(['--verb', '--en']), ['verbose', 'entrypoint']);
  assert.deepEqual(given(['--write']), ['write']);
  assert.deepEqual(given(['--wri']), ["option '--wri' is ambiguous; possibilities: '--write-fake' '--write'"]);
});

test('takes any word as a required argument, "--" included', () => {
  assert.deepEqual(given(['-b', '--', '--bind', '-v']), ['bind=--', 'bind=-v']);
});

test('tells what was read before the first fault', () => {
  assert.deepEqual(given(['-v', '-wx']), ['verbose', 'write', "invalid option -- 'x'"]);
  assert.deepEqual(given(['-v', '--nosuch=1', '-w']), ['verbose', "unrecognized option '--nosuch=1'"]);
  assert.deepEqual(given(['-h']), ["invalid option -- 'h'"]);
});

test('reads options after operands only when permuting', () => {
  assert.deepEqual(given(['img', 'ls', '-v', '--', '-w']), ['verbose', '(img)', '(ls)', '(-w)']);
  assert.deepEqual(given(['-n', 'img', 'ls', '-v'], command), ['n', '(img)', '(ls)', '(-v)']);
});

test('drops a "--" between the leading operands and the command only where the rules say so', () => {
  assert.deepEqual(given(['img', '--', 'ls', '--'], command), ['(img)', '(ls)', '(--)']);
  assert.deepEqual(given(['img', '--', 'ls'], { mode: 'stop-at-operand', leadingOperands: 1 }), [
    '(img)',
    '(--)',
    '(ls)',
  ]);
});

test('counts the words before the command', () => {
  const consumed = (argv: readonly string[], rules: ParseRules): [number, string] => {
    const parsed = parseArguments(table, argv, rules);
    assert.ok(parsed.ok);
    return [parsed.consumed, parsed.endedBy];
  };
  assert.deepEqual(consumed(['-b', 'x', 'img', '--', 'ls', '-v'], permute), [4, 'separator']);
  assert.deepEqual(consumed(['-v', 'img', 'ls', 'x'], permute), [2, 'end']);
  assert.deepEqual(consumed(['img', 'ls', '-v'], permute), [3, 'end']);
  assert.deepEqual(consumed(['-v', 'img', '--', 'ls'], command), [3, 'operand']);
  assert.deepEqual(consumed(['--', 'img', 'ls'], command), [2, 'separator']);
  assert.deepEqual(consumed(['-v', 'img'], command), [2, 'operand']);
  assert.deepEqual(consumed(['-v'], command), [1, 'end']);
  assert.deepEqual(consumed(['-v', 'ls', '-la'], { mode: 'stop-at-operand' }), [1, 'operand']);
});

test('words from `consumed` on are the command; with "--" or an operand as the end, any other words would be too', () => {
  const words = fc.array(fc.constantFrom('-v', '-b', '--', 'img', 'ls', '--set-env', '-W3', '-'), { maxLength: 8 });
  fc.assert(
    fc.property(words, words, fc.boolean(), (argv, otherCommand, stops) => {
      const rules = stops ? command : permute;
      const parsed = parseArguments(table, argv, rules);
      if (!parsed.ok) return;
      if (parsed.consumed < argv.length) assert.deepEqual(argv.slice(parsed.consumed), parsed.operands.slice(1));
      if (parsed.endedBy === 'end' || parsed.consumed === argv.length) return;
      if (stops && !parsed.hasSeparator && otherCommand[0] === '--') return; // that one would be dropped
      const again = parseArguments(table, [...argv.slice(0, parsed.consumed), ...otherCommand], rules);
      assert.ok(again.ok);
      assert.deepEqual(again.options, parsed.options);
      assert.deepEqual(again.operands.slice(1), otherCommand);
      assert.equal(again.consumed, parsed.consumed);
    }),
    { numRuns: 2000 },
  );
});

test('finds the faults of a table', () => {
  assert.deepEqual(optionTableFaults(table), []);
  assert.deepEqual(
    optionTableFaults([
      { long: 'a=b', short: ':', argument: 'none', help: '', argumentName: 'X' },
      { long: 'c', short: 'v', argument: 'none', help: '' },
      { long: 'd', aliases: ['c'], short: 'v', argument: 'none', help: '' },
    ]),
    [
      '"a=b" can\'t be a long name',
      '--c is there twice',
      '":" can\'t be an option letter',
      'a=b takes no argument but describes one',
      '-v is there twice',
    ],
  );
});
