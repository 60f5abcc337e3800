// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SlipwayError } from '../../model/index.ts';
import { resolveInStores, storesToSearch } from './site-stores.ts';

const nothing = (): undefined => undefined;

test("the site's stores come from the variable, or else from the file, and never twice", () => {
  const file = (): string => '# of the centre\n\n /site/images \n/own\n/site/images\n/more\n';
  assert.deepEqual(storesToSearch({ SLIPWAY_STORE: '/own' }, '/home/me', file), ['/own', '/site/images', '/more']);
  assert.deepEqual(storesToSearch({ SLIPWAY_SITE_STORE: '/a::/b' }, '/home/me', file), [
    '/home/me/.local/share/slipway',
    '/a',
    '/b',
  ]);
  assert.deepEqual(storesToSearch({ SLIPWAY_SITE_STORE: '', SLIPWAY_STORE: '/own' }, undefined, file), ['/own']);
  assert.deepEqual(storesToSearch({ SLIPWAY_STORE: '/own' }, undefined, nothing), ['/own']);
  for (const variables of [{ SLIPWAY_SITE_STORE: 'relative' }, {}]) {
    assert.throws(() => storesToSearch(variables, '/home/me', () => 'relative'), { code: 'store-path-unusable' });
  }
});

test('an image that may not be read is told from one that is not there', () => {
  const denied = new SlipwayError('permission-denied', { attempt: 'read', path: '/x', errno: 'EACCES' });
  const reader = {
    readText: (path: string) => {
      if (path.startsWith('/site/tags/')) throw denied;
      return undefined;
    },
    listDirectory: nothing,
  };
  assert.throws(() => resolveInStores('app', ['/own', '/site'], reader), { code: 'image-denied', message: /\/site/ });
  assert.throws(() => resolveInStores('app', ['/own', '/other'], reader), {
    code: 'image-not-found',
    message: /\/own/,
  });
  const broken = {
    ...reader,
    readText: () => {
      throw new Error('a defect');
    },
  };
  assert.throws(() => resolveInStores('app', ['/own'], broken), /a defect/);
});
