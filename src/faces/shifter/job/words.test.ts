// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseJobWords } from './words.ts';

suite("the words of Slurm's plugin", () => {
  test('are an event, what plugstack.conf says, and what was asked for', () => {
    const words = parseJobWords([
      'submit',
      '--with',
      'shifter_config=/etc/u=r.conf',
      '--with',
      'long_options',
      '--image=docker:a:1',
      '--volume=/a:/b;/c:/d',
      '--module=',
      '--ccm',
    ]);
    assert.deepEqual(words, {
      event: 'submit',
      settings: new Map([
        ['shifter_config', '/etc/u=r.conf'],
        ['long_options', ''],
      ]),
      image: 'docker:a:1',
      volume: '/a:/b;/c:/d',
      module: '',
      isCcm: true,
      job: '',
      uid: Number.NaN,
    });
  });

  test('of another version are refused', () => {
    assert.throws(() => parseJobWords(['begin']), /"begin" is no event/);
    assert.throws(() => parseJobWords([]), /"" is no event/);
    assert.throws(() => parseJobWords(['submit', '--imago=x']), /imago/);
  });
});
