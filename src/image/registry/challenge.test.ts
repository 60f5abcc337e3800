// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type Challenge, parseChallenges } from './challenge.ts';

const plain = (challenges: readonly Challenge[]): unknown =>
  challenges.map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

const cases: readonly (readonly [string, readonly string[], unknown])[] = [
  [
    "Docker Hub's",
    ['Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/x:pull"'],
    [
      [
        'bearer',
        { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:library/x:pull' },
      ],
    ],
  ],
  [
    'commas in a quoted string',
    ['Bearer scope="repository:x:pull,push"'],
    [['bearer', { scope: 'repository:x:pull,push' }]],
  ],
  ['escapes in a quoted string', [String.raw`Basic realm="a \"b\" \\c"`], [['basic', { realm: String.raw`a "b" \c` }]]],
  [
    'two challenges in one line',
    ['Basic realm="r", charset="UTF-8", Bearer realm="https://x/t"'],
    [
      ['basic', { realm: 'r', charset: 'UTF-8' }],
      ['bearer', { realm: 'https://x/t' }],
    ],
  ],
  [
    'two lines',
    ['Basic realm=r', 'Bearer realm=s'],
    [
      ['basic', { realm: 'r' }],
      ['bearer', { realm: 's' }],
    ],
  ],
  [
    'no parameters',
    ['Negotiate, Basic realm="r"'],
    [
      ['negotiate', {}],
      ['basic', { realm: 'r' }],
    ],
  ],
  [
    'credentials in one piece',
    ['Negotiate YWJj+/==, Basic realm="r"'],
    [
      ['negotiate', {}],
      ['basic', { realm: 'r' }],
    ],
  ],
  ['blanks around =', ['BASIC  Realm = "r" ,\t x=1'], [['basic', { realm: 'r', x: '1' }]]],
  ['empty members of the list', [', ,Basic realm="r",, '], [['basic', { realm: 'r' }]]],
  ['a repeated parameter', ['Basic realm="a", realm="b"'], [['basic', { realm: 'a' }]]],
  ['a string that does not end', ['Basic realm="a'], [['basic', {}]]],
  ['a value that is none', ['Basic realm=?, x=1'], [['basic', {}]]],
  ['rubbish after a good part', ['Basic realm="a" ???\u0001'], [['basic', { realm: 'a' }]]],
  ['nothing', [''], []],
];

for (const [name, lines, expected] of cases) {
  test(`challenges: ${name}`, () => assert.deepEqual(plain(parseChallenges(lines)), expected));
}

test('challenges: what was written by the grammar is read back', () => {
  const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
  const quote = (text: string): string => `"${text.replaceAll(/["\\]/g, (character) => `\\${character}`)}"`;
  const value = fc.stringMatching(/^[\t\x20-\x7e]{0,20}$/);
  const challenge = fc.record({ scheme: token, parameters: fc.dictionary(token, value, { minKeys: 1, maxKeys: 4 }) });
  fc.assert(
    fc.property(fc.array(challenge, { maxLength: 5 }), fc.constantFrom(', ', ',', ' , '), (challenges, comma) => {
      const line = challenges
        .map(({ scheme, parameters }) => {
          const words = Object.entries(parameters).map(([name, text]) => `${name}=${quote(text)}`);
          return `${scheme} ${words.join(comma)}`;
        })
        .join(comma);
      assert.deepEqual(
        plain(parseChallenges([line])),
        challenges.map(({ scheme, parameters }) => [scheme, { ...parameters }]),
      );
    }),
  );
});

test('challenges: any bytes are read without an exception', () => {
  const bytes = fc.uint8Array({ maxLength: 60 }).map((values) => Buffer.from(values).toString('latin1'));
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 4 }), (lines) => {
      parseChallenges(lines);
    }),
  );
});

test('challenges: their number is bounded', () => {
  assert.equal(parseChallenges(Array.from({ length: 100 }, () => 'Basic, Basic')).length, 16);
});
