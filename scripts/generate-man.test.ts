// SPDX-License-Identifier: Apache-2.0
// What is installed as man pages and completions, by the programs that read them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { manPageName } from '../src/formats/getopt/index.ts';
import { needs } from '../test/support/needs.ts';
import { commandsWithoutPages, commandTrees } from './command-trees.ts';

const share = mkdtempSync(join(tmpdir(), 'slipway-share-'));
after(() => rmSync(share, { recursive: true }));
const made = spawnSync(resolve(import.meta.dirname, 'generate-man'), [share], {
  encoding: 'utf8',
  env: { ...process.env, SOURCE_DATE_EPOCH: '1795264200' },
});

test('makes a page for each command', () => {
  assert.equal(made.stderr, '');
  const described = commandTrees.flatMap(({ command, subcommands }) => [command, ...subcommands]);
  const pages = described.map((command) => `${manPageName(command)}.1`);
  assert.deepEqual(readdirSync(join(share, 'man/man1')).sort(), pages.sort());
});

test('knows every command that is installed', () => {
  const installed = readFileSync(resolve(import.meta.dirname, 'commands.txt'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(' ', 1).join(''));
  const known = [...commandTrees.map(({ command }) => command.name), ...commandsWithoutPages];
  assert.deepEqual(['slipway', ...installed].sort(), known.sort());
});

test('makes pages that man shows without a warning', { skip: needs({ commands: ['man', 'groff'] }) }, () => {
  for (const page of readdirSync(join(share, 'man/man1'))) {
    const shown = spawnSync('man', ['--warnings=w', '-l', join(share, 'man/man1', page)], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], MANWIDTH: '80', MANPAGER: 'cat', LC_ALL: 'C.UTF-8' },
    });
    assert.deepEqual([shown.status, shown.stderr], [0, ''], page);
    assert.match(shown.stdout, new RegExp(`^NAME\\n +${page.slice(0, -2)} +- `, 'm'), page);
    assert.match(shown.stdout, /2026-11-21/, page);
  }
});

test('makes completions that bash and zsh can read', { skip: needs({ commands: ['zsh'] }) }, () => {
  for (const { command } of commandTrees) {
    const bash = spawnSync('bash', ['-n', join(share, 'bash-completion/completions', command.name)], {
      encoding: 'utf8',
    });
    assert.deepEqual([bash.status, bash.stderr], [0, ''], command.name);
    const zsh = spawnSync('zsh', ['-n', join(share, `zsh/site-functions/_${command.name}`)], { encoding: 'utf8' });
    assert.deepEqual([zsh.status, zsh.stderr], [0, ''], command.name);
  }
});
