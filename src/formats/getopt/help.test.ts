// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderHelp } from './index.ts';
import { load, ship } from './testing/example-commands.ts';

test('lays help out by groups, with texts in one column', () => {
  assert.equal(
    renderHelp(load, 80),
    `Usage: ship load [OPTION...] QUAY [CRATE...]

Puts the goods named by each CRATE aboard. What is aboard already stays where it
is, and whoever carries it may go on doing so.

'Quoted' starts and .dots must survive, as must a \\ and a ~.

Arguments:
  QUAY   where they are
  CRATE  what to load

Options:
  -d, --deck=LEVEL   where they go
      --list[=FILE]  print [or write] what was loaded: name and weight
      --a-very-long-name-of-an-option=ARG
                     has a line of its own

Habits:
  -n                 accepted, and ignored

Environment:
  SHIP_NAME  the vessel

Examples:
  ship load -d upper north 'red crate'
      Load one crate
`,
  );
});

test('keeps every line within the width', () => {
  for (const columns of [1, 40, 60, 79, 100, 500]) {
    const long = renderHelp(load, columns)
      .split('\n')
      .filter((line) => line.length > Math.min(Math.max(columns, 40), 100) && !line.includes('a-very-long-name'));
    assert.deepEqual(long, [], `at ${columns}`);
  }
});

test('lists subcommands', () => {
  assert.match(renderHelp(ship, 80), /^Commands:\n {2}load {2}put goods aboard\n {2}send {2}let a crew's boat: go$/m);
});
