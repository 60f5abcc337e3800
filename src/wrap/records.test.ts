// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { compareRecords } from './compare-records.ts';
import { kernelSpec, luaModule, tclModule } from './companions.ts';
import { explicitList, lockedRequirements } from './locked-inputs.ts';
import { normalName } from './read-packages.ts';
import type { InstallationRecord } from './record.ts';

const digest = (digit: string): string => digit.repeat(64);
const record: InstallationRecord = {
  format: 1,
  made: '2026-11-21T00:00:00.000Z',
  slipway: '0.0.0',
  mode: 'venv',
  prefix: '/p',
  python: { version: '3.11.2', home: '/usr/bin' },
  hasScripts: false,
  conda: [{ name: 'a', version: '1', build: '0', url: 'https://c/linux-64/a-1-0.conda', md5: 'f'.repeat(32) }],
  pip: [
    { name: 'six', version: '1.0', sha256: digest('1') },
    { name: 'pip', version: '23' },
    { name: 'Own_Thing', version: '2', url: 'file:///src', isEditable: true },
    { name: 'other', version: '3', url: 'file:///other' },
    { name: 'plain', version: '4' },
  ],
};

suite('records', () => {
  test('what is locked: by digest where there is one', () => {
    assert.deepEqual(lockedRequirements(record), {
      hashed: `six==1.0 --hash=sha256:${digest('1')}\n`,
      plain: '-e file:///src\nother @ file:///other\nplain==4\n',
    });
    assert.equal(explicitList(record), `@EXPLICIT\nhttps://c/linux-64/a-1-0.conda#${'f'.repeat(32)}\n`);
    assert.equal(explicitList({ ...record, conda: [] }), undefined);
  });

  test('what differs: versions, builds, digests, and what only one has', () => {
    assert.deepEqual(compareRecords(record, record), []);
    const other: InstallationRecord = {
      ...record,
      python: { version: '3.12.0', home: '/usr/bin' },
      conda: [{ name: 'a', version: '1', build: '1' }],
      pip: [
        { name: 'six', version: '1.0', sha256: digest('2') },
        { name: 'own-thing', version: '2' },
      ],
    };
    assert.deepEqual(
      compareRecords(record, other).map(({ name, first, second }) => [name, first, second]),
      [
        ['python', '3.11.2', '3.12.0'],
        ['a', '1-0', '1-1'],
        ['other', '3', undefined],
        ['pip', '23', undefined],
        ['plain', '4', undefined],
        ['six', '1.0 (sha256 111111111111)', '1.0 (sha256 222222222222)'],
      ],
    );
  });

  test('names of packages are the same in any spelling', () => {
    assert.equal(normalName('Own_Thing.x'), 'own-thing-x');
  });

  test('places with quotes and the like stay what they are in kernels and modules', () => {
    const place = '/p "q" $x [y]\\z';
    assert.equal((JSON.parse(kernelSpec(place, 'n')) as { argv: readonly string[] }).argv[0], `${place}/bin/python`);
    assert.ok(luaModule(place, 'n').includes('"/p \\"q\\" $x [y]\\\\z/bin"'));
    assert.ok(tclModule(place, 'n').includes('"/p \\"q\\" \\$x \\[y\\]\\\\z/bin"'));
  });
});
