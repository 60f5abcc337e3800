// SPDX-License-Identifier: Apache-2.0
// The pages as groff renders them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { needs } from '../../../test/support/needs.ts';
import { renderManPage } from './index.ts';
import { load, send } from './testing/example-commands.ts';

const options = { section: 1, source: 'ship 1.2', date: '2026-11-21', seeAlso: ['ship(1)', 'ship-send(1)'] };

test('renders without a warning, every character kept', { skip: needs({ commands: ['groff'] }) }, () => {
  const page = render(renderManPage(load, options));
  for (const text of [
    'ship-load - put goods aboard',
    'ship load [OPTION...] QUAY [CRATE...]',
    "'Quoted' starts and .dots must survive, as must a \\ and a ~.",
    '-d, --deck=LEVEL',
    '--list[=FILE]',
    '[or write] what was loaded: name and weight',
    "ship load -d upper north 'red crate'",
    'ship(1), ship-send(1)',
    'ship 1.2',
  ]) {
    assert.ok(page.includes(text), `${text}\nis not in\n${page}`);
  }
  assert.ok(!page.includes('secret'));
});

test('keeps a text that starts with a dot or an apostrophe', { skip: needs({ commands: ['groff'] }) }, () => {
  const page = render(renderManPage({ ...send, description: ['.SH is no heading', "'tis neither"] }, options));
  assert.ok(page.includes('.SH is no heading'));
  assert.ok(page.includes("'tis neither"));
});

function render(source: string): string {
  const ran = spawnSync('groff', ['-ww', '-man', '-Tutf8', '-P-cbou'], { input: source, encoding: 'utf8' });
  assert.equal(ran.stderr, '');
  assert.equal(ran.status, 0);
  return ran.stdout.replaceAll(/\n+ */g, '\n').replaceAll(/(?<=\w)\n(?=[a-z])/g, ' ');
}
