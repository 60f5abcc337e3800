// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { optionTableFaults } from '../../formats/getopt/index.ts';
import { commands, rootDescription } from './commands.ts';
import { createCommandRig } from '../../../test/support/command-rig.ts';

const { run, store } = createCommandRig();

test('every table is sound, and its examples and texts keep to the house style', () => {
  for (const { name, description } of [...commands, { name: '', description: rootDescription }]) {
    assert.deepEqual(optionTableFaults(description.options), [], name);
    assert.equal(description.name, `slipway ${name}`.trim());
    const texts = [description.summary, ...description.options.map((option) => option.help)];
    for (const text of texts) assert.match(text, /^[^A-Z.].*[^.]$/, `"${text}" of slipway ${name}`);
    assert.ok(
      description.options.some((option) => option.long === 'help'),
      name,
    );
    const operands = description.operands.slice(0, -1);
    assert.ok(
      operands.every((operand) => operand.isRepeated !== true),
      `${name}: only the last operand can repeat`,
    );
  }
});

test('prints help on stdout when asked, wherever --help stands', async () => {
  for (const argv of [['--help'], ['-h'], ['help']]) {
    const { status, stdout, stderr } = await run(argv);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^Usage: slipway COMMAND/);
    for (const { name } of commands) assert.match(stdout, new RegExp(`^  ${name} `, 'm'));
  }
  for (const argv of [
    ['pull', '--help'],
    ['pull', 'debian', '-h'],
    ['help', 'pull'],
    ['pull', '--he', '--nosuch'],
  ]) {
    const { status, stdout } = await run(argv);
    assert.equal(status, 0);
    assert.match(stdout, /^Usage: slipway pull/);
  }
});

test('prints the version', async () => {
  const { status, stdout } = await run(['--version']);
  assert.equal(status, 0);
  assert.match(stdout, /^slipway \d+\.\d+\.\d+\nbuild \S+\nnode \d+\.\d+\.\d+\nplan format \d+\n$/);
  assert.equal((await run(['-V'])).stdout, stdout);
});

test('says how it is used, on stderr, when no command is given', async () => {
  const { status, stdout, stderr } = await run([]);
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /^Usage: /);
});

test('refuses what it can not understand with status 2 and a way out', async () => {
  const refusals: readonly (readonly [argv: readonly string[], text: string])[] = [
    [['--nosuch'], "slipway: unrecognized option '--nosuch'\n  hint: see: slipway --help\n"],
    [['pul'], 'slipway: there is no command "pul"\n  hint: did you mean: slipway pull\n'],
    [['imagse'], 'slipway: there is no command "imagse"\n  hint: did you mean: slipway images\n'],
    [['ls'], 'slipway: there is no command "ls"\n  hint: did you mean: slipway images\n'],
    [['frobnicate'], 'slipway: there is no command "frobnicate"\n  hint: see: slipway --help\n'],
    [['x\x1b[2J'], 'slipway: there is no command "x\\x1b[2J"\n  hint: see: slipway --help\n'],
    [['help', 'frobnicate'], 'slipway: there is no command "frobnicate"\n  hint: see: slipway --help\n'],
    [['images', '-x'], "slipway: invalid option -- 'x'\n  hint: see: slipway images --help\n"],
    [['images', 'debian'], 'slipway: unexpected argument "debian"\n  hint: see: slipway images --help\n'],
    [['pull'], 'slipway: IMAGE is missing\n  hint: see: slipway pull --help\n'],
    [['rm'], 'slipway: IMAGE is missing\n  hint: see: slipway rm --help\n'],
    [
      ['completion', 'fish'],
      'slipway: there is no completion for "fish", only for bash and zsh\n  hint: see: slipway completion --help\n',
    ],
    [
      ['pull', '-j', '0', 'x'],
      'slipway: --concurrency: "0" is no number from 1 to 64\n  hint: see: slipway pull --help\n',
    ],
    [
      ['pull', '--platform=arm', 'x'],
      'slipway: --platform: "arm" is not OS/ARCH[/VARIANT], e.g. linux/arm64\n  hint: see: slipway pull --help\n',
    ],
  ];
  for (const [argv, text] of refusals) {
    assert.deepEqual(await run(argv), { status: 2, stdout: '', stderr: text }, argv.join(' '));
  }
});

test('checks every name before it asks a registry for the first', async () => {
  const { status, stderr } = await run(['pull', '127.0.0.1:1/a', 'B']);
  assert.equal(status, 125);
  assert.match(stderr, /^slipway: read image name "B": "B" has capital letters\n {2}hint: an image name is /);
});

test('prints completion scripts', async () => {
  assert.match((await run(['completion', 'bash'])).stdout, /complete -F _slipway slipway/);
  assert.match((await run(['completion', 'zsh'])).stdout, /^#compdef slipway/);
});

test('tells a fault of the store as an error with its hint', async () => {
  const { status, stderr } = await run(['images'], { variables: { SLIPWAY_STORE: 'relative' } });
  assert.equal(status, 125);
  assert.match(stderr, /^slipway: choose the image store: SLIPWAY_STORE is "relative"[^\n]*\n {2}hint: /);
  assert.ok(store.startsWith('/'));
});
