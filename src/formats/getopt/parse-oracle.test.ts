// SPDX-License-Identifier: Apache-2.0
// glibc itself says what getopt_long does: random tables and command lines, both parsers, same answers.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { describeGetoptError, type OptionEntry, parseArguments } from './index.ts';

type Case = { readonly table: readonly OptionEntry[]; readonly argv: readonly string[]; readonly stops: boolean };

// '?' is no letter here: getopt_long returns that character for faults, so it could not tell one from the other.
// Few letters, so that prefixes, exact matches and ambiguities are frequent.
const longName = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '-'), minLength: 1, maxLength: 4 });
const tables = fc
  .uniqueArray(
    longName.filter((name) => !name.startsWith('-')),
    { minLength: 1, maxLength: 8 },
  )
  .chain((names) =>
    fc
      .array(
        fc.record({
          names: fc.integer({ min: 0, max: 2 }),
          letter: fc.option(fc.constantFrom('a', 'b', 'c', 'd')),
          argument: fc.constantFrom('none', 'required', 'optional'),
        }),
        { minLength: 1, maxLength: 6 },
      )
      .map((shapes) => buildTable(names, shapes)),
  );

function buildTable(
  names: readonly string[],
  shapes: readonly { names: number; letter: string | null; argument: 'none' | 'required' | 'optional' }[],
): OptionEntry[] {
  const left = [...names];
  const letters = new Set<string>();
  const table: OptionEntry[] = [];
  for (const shape of shapes) {
    const [long, ...aliases] = left.splice(0, shape.names);
    const short = shape.letter !== null && !letters.has(shape.letter) ? shape.letter : undefined;
    if (short !== undefined) letters.add(short);
    const common = { argument: shape.argument, help: '', aliases };
    if (long !== undefined) table.push({ ...common, long, ...(short === undefined ? {} : { short }) });
    else if (short !== undefined) table.push({ ...common, short });
  }
  return table;
}

const word = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.string({ unit: fc.constantFrom('a', 'b', 'c', '-', '='), maxLength: 4 }).map((text) => `--${text}`),
  },
  {
    weight: 3,
    arbitrary: fc
      .string({ unit: fc.constantFrom('a', 'b', 'c', 'd', '-', '=', '?', ':'), maxLength: 4 })
      .map((text) => `-${text}`),
  },
  { weight: 3, arbitrary: fc.constantFrom('x', '', '-', 'a=b', 'abc') },
  { weight: 1, arbitrary: fc.constant('--') },
);
const cases: fc.Arbitrary<Case> = fc.record({
  table: tables,
  argv: fc.array(word, { maxLength: 7 }),
  stops: fc.boolean(),
});

const argumentKinds = ['none', 'required', 'optional'] as const;

function encodeCase({ table, argv, stops }: Case): string[] {
  const letters = table.map((option) =>
    option.short === undefined ? '' : option.short + ':'.repeat(argumentKinds.indexOf(option.argument)),
  );
  const long = table.flatMap((option, index) =>
    [...(option.long === undefined ? [] : [option.long]), ...(option.aliases ?? [])].map((name) => [
      name,
      String(argumentKinds.indexOf(option.argument)),
      String(1000 + index),
    ]),
  );
  return [(stops ? '+' : '') + letters.join(''), String(long.length), ...long.flat(), String(argv.length), ...argv];
}

type Answer = { readonly options: readonly string[]; readonly end: readonly string[] };

function decodeAnswers(output: string, cases: readonly Case[]): Answer[] {
  const words = output.split('\0');
  let at = 0;
  return cases.map(({ table }) => {
    const options: string[] = [];
    while (words[at] === 'o') {
      const value = Number(words[at + 1]);
      const index =
        value >= 1000 ? value - 1000 : table.findIndex((option) => option.short === String.fromCodePoint(value));
      options.push(`${index} ${words[at + 2] === '1' ? `=${words[at + 3]}` : ''}`);
      at += 4;
    }
    const end: string[] = [];
    const count = words.indexOf('.', at);
    end.push(...words.slice(at, count));
    at = count + 1;
    return { options, end };
  });
}

function ourAnswer({ table, argv, stops }: Case): Answer {
  const parsed = parseArguments(table, argv, { mode: stops ? 'stop-at-operand' : 'permute' });
  const options = parsed.options.map(
    ({ option, value }) => `${table.indexOf(option)} ${value === undefined ? '' : `=${value}`}`,
  );
  return { options, end: parsed.ok ? ['p', ...parsed.operands] : ['e', `x: ${describeGetoptError(parsed.error)}`] };
}

test('parses as glibc getopt_long does', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'getopt-oracle-'));
  try {
    const oracle = join(folder, 'oracle');
    const source = join(import.meta.dirname, 'testing', 'getopt-oracle.c');
    const compiled = spawnSync('cc', ['-D_GNU_SOURCE', '-O1', '-o', oracle, source], { encoding: 'utf8' });
    if (compiled.error !== undefined) return context.skip(`no C compiler: ${compiled.error.message}`);
    assert.equal(compiled.status, 0, compiled.stderr);

    const sample = fc.sample(cases, { numRuns: 6000 });
    const input = sample
      .flatMap(encodeCase)
      .map((text) => `${text}\0`)
      .join('');
    const ran = spawnSync(oracle, [], { input, encoding: 'utf8', maxBuffer: 1 << 28, env: { LC_ALL: 'C' } });
    assert.equal(ran.status, 0, ran.stderr);
    const answers = decodeAnswers(ran.stdout, sample);
    for (const [index, answer] of answers.entries()) {
      const one = sample[index]!;
      assert.deepEqual(
        ourAnswer(one),
        answer,
        `${JSON.stringify(one.table)} ${JSON.stringify(one.argv)} stops ${one.stops}`,
      );
    }
    // The comparison is worth something only if every kind of end was seen often.
    const kinds = Map.groupBy(answers, ({ end }) => (end[1] ?? '').replaceAll(/'[^']*'/g, 'Q'));
    const faults = [...kinds.keys()].filter((text) => text.startsWith('x: '));
    assert.ok(faults.length >= 6, `only these faults were seen: ${faults.join(' | ')}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return undefined;
});
