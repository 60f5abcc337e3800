// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SlipwayError } from '../../model/index.ts';
import { errorText, exitStatusOf } from './error-text.ts';

test('says what failed, then what to do', () => {
  const error = new SlipwayError(
    'reference-malformed',
    { reference: 'A', reason: 'it has\x1b[2J "A"' },
    { hint: 'do this' },
  );
  assert.equal(
    errorText('slipway', error, false),
    'slipway: read image name "A": it has\\x1b[2J "A"\n  hint: do this\n',
  );
  assert.equal(exitStatusOf(error), 125);
});

test('names causes, and places only when asked', () => {
  const error = new TypeError('undefined is no function', { cause: new Error('disk') });
  assert.equal(
    errorText('ch-run', error, false),
    'ch-run: undefined is no function (disk)\n  hint: this is a defect; set SLIPWAY_DEBUG=1 to see where it happened\n',
  );
  assert.match(
    errorText('ch-run', error, true),
    /^ch-run: undefined is no function \(disk\)\n {4}at .*error-text\.test\.ts/,
  );
  assert.equal(exitStatusOf(error), 125);
});

test('says each cause once, however deep, and ends with an endless chain', () => {
  const refused = new Error('connect ECONNREFUSED 127.0.0.1:1');
  const failure = new Error('the connection was refused', { cause: refused });
  const error = new Error('reach x: the connection was refused', { cause: failure });
  assert.match(
    errorText('slipway', error, false),
    /^slipway: reach x: the connection was refused \(connect ECONNREFUSED 127\.0\.0\.1:1\)\n/,
  );
  refused.cause = error;
  assert.match(errorText('slipway', error, false), /\(connect ECONNREFUSED 127\.0\.0\.1:1\)\n/);
});
