// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseJobDescription } from './describe-job.ts';
import { parseNodeRecord } from './node-record.ts';

const shown = [
  '18|1000|100|RUNNING|NO|2|9|ann|n[1-2]',
  '17|1000|100|RUNNING|NO|2|9|ann|n[1-2]',
  '19|1000|100|PENDING|OK|1|1|ann|',
  '',
].join('\n');

suite("Slurm's words of a job", () => {
  test('say whose it is, where, and whether alone', () => {
    const found = {
      userName: 'ann',
      uid: 1000,
      gid: 100,
      isActive: true,
      isExclusive: true,
      cpusPerNode: 4,
      nodeList: 'n[1-2]',
    };
    assert.deepEqual(parseJobDescription(shown, '17'), found);
    const told = (from: string, to: string): unknown => parseJobDescription(shown.replaceAll(from, to), '17');
    assert.deepEqual(told('|NO|', '|OK|'), { ...found, isExclusive: false });
    assert.deepEqual(told('RUNNING', 'COMPLETED'), { ...found, isActive: false });
    assert.deepEqual(told('RUNNING', 'COMPLETING'), found);
  });

  test('of another job, of none, or of none with nodes say nothing', () => {
    assert.equal(parseJobDescription(shown, '1'), undefined);
    assert.equal(parseJobDescription(shown, '19'), undefined);
    assert.equal(parseJobDescription('slurm_load_jobs error: Invalid job id specified', '17'), undefined);
    assert.equal(parseJobDescription(shown.replaceAll('|2|9|', '|0|9|'), '17'), undefined);
    assert.equal(parseJobDescription(shown.replaceAll('|ann|', '|a|nn|'), '17'), undefined);
  });
});

suite("a node's record of a job", () => {
  test('is read as it was written', () => {
    const record = { job: '17', udiMount: '/var/udiMount', state: 'failed', reason: 'no such image' } as const;
    assert.deepEqual(parseNodeRecord(JSON.stringify(record), '17'), record);
  });

  test('is none when it is half, or another thing', () => {
    for (const text of [
      '',
      '{"udiMo',
      'null',
      '[]',
      '{"udiMount":1,"state":"begun"}',
      '{"udiMount":"/x","state":"?"}',
    ]) {
      assert.equal(parseNodeRecord(text, '17'), undefined);
    }
  });
});
