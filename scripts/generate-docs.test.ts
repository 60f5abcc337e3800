// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { errorTable } from '../src/model/errors.ts';
import { referencePages } from './reference-pages.ts';

const pages = referencePages();

test('the generated pages of docs/reference are up to date', () => {
  for (const [path, text] of pages) {
    const written = readFileSync(resolve(import.meta.dirname, '..', path), 'utf8');
    assert.equal(written, text, `${path} is stale: run scripts/generate-docs`);
  }
});

test('every error has its place in the reference', () => {
  const page = pages.get('docs/reference/errors.md') ?? '';
  for (const code of Object.keys(errorTable)) assert.ok(page.includes(`\n## ${code}\n`), code);
});
