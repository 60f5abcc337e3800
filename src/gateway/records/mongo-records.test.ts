// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { recordOfDocument } from './mongo-documents.ts';
import { mongoRecords, prepareMongo } from './mongo-records.ts';
import { openMongoRecords } from './open-mongo.ts';
import { contractTests } from './testing/contract.ts';
import { memoryMongo } from './testing/memory-mongo.ts';
import type { Records } from './types.ts';

/** `mongodb://…` of a server where databases may be made. */
const uri = process.env['SLIPWAY_TEST_MONGODB'];
const opened: Records[] = [];
after(async () => {
  for (const each of opened) await each.close();
});

for (const { title, body } of contractTests()) {
  test(`on the steps alone: ${title}`, async () => {
    const database = memoryMongo();
    await prepareMongo(database);
    await body(mongoRecords(database), mongoRecords(database));
  });
  test(
    `on a server: ${title}`,
    { skip: uri === undefined ? 'machine: no MongoDB (SLIPWAY_TEST_MONGODB names one)' : false },
    async () => {
      const name = `slipway_${Date.now()}_${opened.length}`;
      const [one, two] = [await openMongoRecords(uri ?? '', name), await openMongoRecords(uri ?? '', name)];
      opened.push(one, two);
      await body(one, two);
    },
  );
}

test("a record of Shifter's own gateway is read", () => {
  const record = recordOfDocument({
    _id: '5f0c0ffee0c0ffee0c0ffee0',
    system: 'cori',
    itype: 'docker',
    pulltag: 'ubuntu:22.04',
    tag: ['ubuntu:22.04', 'ubuntu:latest'],
    id: 'abc',
    status: 'SUCCESS',
    status_message: 'Transferring image',
    format: 'squashfs',
    ENV: ['PATH=/bin'],
    ENTRY: "['/init', '-v']",
    WORKDIR: '',
    userACL: [1000],
    groupACL: [],
    private: true,
    last_pull: 1.5,
    ostcount: '0',
  });
  assert.deepEqual(
    [record.status, record.tags, record.facts?.entry, record.userAcl, record.isPrivate, record.lastPull, record.job],
    ['READY', ['ubuntu:22.04', 'ubuntu:latest'], ['/init', '-v'], [1000], true, 1.5, null],
  );
});
