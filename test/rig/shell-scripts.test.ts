// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { run, runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';

const root = resolve(import.meta.dirname, '../..');

test(
  'shellcheck has nothing to say about any shell script',
  { skip: needs({ commands: ['shellcheck', 'git'] }) },
  async () => {
    const files = (await runOk(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root }))
      .split('\0')
      .filter((file) => file !== '' && !/\.[a-z]+$/.test(file))
      .filter((file) => readFileSync(join(root, file), 'latin1').startsWith('#!/bin/sh'));
    assert.ok(files.includes('quickstart') && files.includes('scripts/install-npm'), files.join(' '));
    const { stdout } = await run(['shellcheck', ...files], { cwd: root });
    assert.equal(stdout, '');
  },
);

test('each command of the checkout explains itself and refuses what it does not know', async () => {
  const commands = [
    'quickstart',
    'check',
    'install',
    'scripts/install-packages',
    'scripts/make-image',
    'scripts/run-tests',
  ];
  for (const command of commands) {
    assert.match(await runOk([join(root, command), '--help']), /^usage: /, command);
    const { status, stderr } = await run([join(root, command), '--no-such-option']);
    assert.notEqual(status, 0, command);
    assert.match(stderr, /no-such-option/, command);
  }
});
