// SPDX-License-Identifier: Apache-2.0
// The function, asked by an interactive zsh on a pseudo-terminal.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { needs } from '../../../test/support/needs.ts';
import { renderZshCompletion } from './index.ts';
import { ship, tree } from './testing/example-commands.ts';

const skip = needs({ commands: ['zsh'] });
const folder = mkdtempSync(join(tmpdir(), 'zsh-completion-'));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'some-file'), '');

/** What zsh lists for `line` and a tab, one match a line. */
function complete(line: string, script: string = renderZshCompletion(tree)): string {
  writeFileSync(join(folder, '_ship'), script);
  writeFileSync(
    join(folder, 'ask.zsh'),
    `zmodload zsh/zpty
zpty asked zsh -f -i
zpty -w asked "PS1=; cd ${folder}; fpath=(${folder} $fpath); autoload -Uz compinit; compinit -u -d ${folder}/dump
ship-images() { print -l debian:12 debian:13 }
zstyle ':completion:*' list-separator '#'; LISTMAX=0; bindkey '^I' complete-word; unsetopt auto_menu menu_complete
zstyle ':completion:*' format '<%d>'; stty columns 200 -echo; print ready-to-$((40 + 2))"
zpty -r asked text '*ready-to-42*'
zpty -w -n asked $'${line.replaceAll("'", "\\'")}\\t\\t'
zpty -w -n asked $'\\C-u'
zpty -w asked 'print end-of-$((40 + 2))'
zpty -r asked text '*end-of-42*'
print -r -- $text
zpty -d asked
`,
  );
  const ran = spawnSync('zsh', ['-f', join(folder, 'ask.zsh')], {
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, TERM: 'dumb' },
  });
  assert.equal(ran.status, 0, ran.stderr);
  return ran.stdout.replaceAll('\r', '');
}

test('is a function that zsh can read', { skip }, () => {
  const ran = spawnSync('zsh', ['-n', '-c', renderZshCompletion(tree)], { encoding: 'utf8' });
  assert.deepEqual([ran.status, ran.stderr], [0, '']);
});

test('offers subcommands, options and arguments', { skip }, () => {
  assert.match(complete('ship '), /load .*# put goods aboard[^]*send .*# let a crew's boat: go/);
  assert.match(complete('ship load --'), /--deck[^]*--list .*# print \[or write\] what was loaded: name and weight/);
  assert.match(complete('ship load -d '), /lower +upper/);
  assert.match(complete('ship load north deb'), /debian:12 +debian:13/);
});

test('serves a command without subcommands', { skip }, () => {
  const script = renderZshCompletion({ ...tree, command: { ...ship, operands: [] }, subcommands: [] });
  assert.match(complete('ship --', script), /--help .*# print this text/);
});
