// SPDX-License-Identifier: Apache-2.0
// The script, asked by bash itself.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { renderBashCompletion } from './index.ts';
import { ship, tree } from './testing/example-commands.ts';

const folder = mkdtempSync(join(tmpdir(), 'bash-completion-'));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'some-dir'));
writeFileSync(join(folder, 'some-file'), '');

function complete(line: string, script: string = renderBashCompletion(tree)): string[] {
  const program = `ship-images() { printf '%s\\n' debian:12 debian:13 host.org:5000/a/b:1; }
${script}
COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
COMP_LINE=$1 COMP_POINT=\${#1}
_ship
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const ran = spawnSync('bash', ['--norc', '-u', '-c', program, 'bash', line], { encoding: 'utf8', cwd: folder });
  assert.equal(ran.stderr, '');
  return ran.stdout
    .split('\n')
    .filter((word) => word !== '')
    .sort();
}

test('offers subcommands, then their own options', () => {
  assert.deepEqual(complete('ship '), ['load', 'send']);
  assert.deepEqual(complete('ship --log x l'), ['load']);
  assert.deepEqual(complete('ship --h'), ['--help']);
  assert.deepEqual(complete('ship load --'), ['--a-very-long-name-of-an-option=', '--deck=', '--list=']);
  assert.deepEqual(complete('ship nosuch -'), []);
});

test("offers an option's arguments, glued and apart", () => {
  assert.deepEqual(complete('ship load -d '), ['lower', 'upper']);
  assert.deepEqual(complete('ship load north --deck=u'), ['upper']);
  assert.deepEqual(complete('ship load --list '), ['north', 'south']);
  assert.deepEqual(complete('ship load --list=some-f'), ['some-file']);
  assert.deepEqual(complete('ship send --to some'), ['some-dir']);
});

test('offers operands by their place, options or not between them', () => {
  assert.deepEqual(complete('ship load n'), ['north']);
  assert.deepEqual(complete('ship load -d upper n'), ['north']);
  assert.deepEqual(complete('ship load north deb'), ['debian:12', 'debian:13']);
  assert.deepEqual(complete('ship load north x -- -'), []);
});

test('gives only what follows the last colon, since the shell replaces only that', () => {
  assert.deepEqual(complete('ship load north debian:1'), ['12', '13']);
  assert.deepEqual(complete('ship load north host.org:5'), ['5000/a/b:1']);
  assert.deepEqual(complete('ship load north host.org:5000/a/b:'), ['1']);
});

test('stops offering options where the command begins', () => {
  assert.deepEqual(complete('ship send --t'), ['--to=']);
  assert.deepEqual(complete('ship send boat --t'), []);
  assert.ok(complete('ship send boat prin').includes('printf'));
  assert.deepEqual(complete('ship send boat printf some'), ['some-dir', 'some-file']);
});

test('serves a command without subcommands', () => {
  const script = renderBashCompletion({
    ...tree,
    command: { ...ship, operands: [{ name: 'DIR', help: '', completion: 'directory' }] },
    subcommands: [],
  });
  assert.deepEqual(complete('ship --l', script), ['--log=']);
  assert.deepEqual(complete('ship so', script), ['some-dir']);
});
