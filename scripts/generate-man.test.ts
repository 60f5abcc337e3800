// SPDX-License-Identifier: Apache-2.0
// What is installed as man pages and completions, by the programs that read them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { commands } from '../src/faces/slipway/commands.ts';
import { needs } from '../test/support/needs.ts';

const share = mkdtempSync(join(tmpdir(), 'slipway-share-'));
after(() => rmSync(share, { recursive: true }));
const made = spawnSync(resolve(import.meta.dirname, 'generate-man'), [share], {
  encoding: 'utf8',
  env: { ...process.env, SOURCE_DATE_EPOCH: '1795264200' },
});

test('makes a page for each command', () => {
  assert.equal(made.stderr, '');
  const pages = ['slipway', ...commands.map(({ name }) => `slipway-${name}`)].map((name) => `${name}.1`);
  assert.deepEqual(readdirSync(join(share, 'man/man1')).sort(), pages.sort());
});

test('makes pages that man shows without a warning', { skip: needs({ commands: ['man', 'groff'] }) }, () => {
  for (const page of readdirSync(join(share, 'man/man1'))) {
    const shown = spawnSync('man', ['--warnings=w', '-l', join(share, 'man/man1', page)], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], MANWIDTH: '80', MANPAGER: 'cat', LC_ALL: 'C.UTF-8' },
    });
    assert.deepEqual([shown.status, shown.stderr], [0, ''], page);
    assert.match(shown.stdout, /^NAME\n +slipway/m, page);
    assert.match(shown.stdout, /2026-11-21/, page);
  }
});

test('makes completions that bash and zsh can read', { skip: needs({ commands: ['zsh'] }) }, () => {
  const bash = spawnSync('bash', ['-n', join(share, 'bash-completion/completions/slipway')], { encoding: 'utf8' });
  assert.deepEqual([bash.status, bash.stderr], [0, '']);
  const zsh = spawnSync('zsh', ['-n', join(share, 'zsh/site-functions/_slipway')], { encoding: 'utf8' });
  assert.deepEqual([zsh.status, zsh.stderr], [0, '']);
});
