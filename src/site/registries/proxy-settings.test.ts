// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxySettings } from './proxy-settings.ts';

test('reads proxies with small letters first, and empty ones as unset', () => {
  assert.deepEqual(
    proxySettings({
      HTTPS_PROXY: 'a',
      https_proxy: 'b',
      http_proxy: '',
      HTTP_PROXY: 'c',
      NO_PROXY: 'd',
      ALL_PROXY: 'e',
    }),
    {
      http: 'c',
      https: 'b',
      all: 'e',
      none: 'd',
    },
  );
  assert.deepEqual(proxySettings({}), {});
});
