// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parseJobDescription } from './describe-job.ts';
import { parseNodeRecord } from './node-record.ts';

const shown =
  'JobId=17 JobName=a b c UserId=ann(1000) GroupId=users(100) MCS_label=N/A Priority=1 JobState=RUNNING Reason=None ' +
  'ReqNodeList=(null) ExcNodeList=(null) NodeList=n[1-2] BatchHost=n1 NumNodes=2 NumCPUs=9 NumTasks=8 ' +
  'OverSubscribe=NO Contiguous=0 Command=/home/ann/OverSubscribe=OK';

suite("Slurm's words of a job", () => {
  test('say whose it is, where, and whether alone', () => {
    assert.deepEqual(parseJobDescription(shown), {
      userName: 'ann',
      uid: 1000,
      gid: 100,
      isActive: true,
      isExclusive: true,
      cpusPerNode: 4,
      nodeList: 'n[1-2]',
    });
    assert.equal(parseJobDescription(shown.replace('OverSubscribe=NO', 'OverSubscribe=OK'))?.isExclusive, false);
    assert.equal(parseJobDescription(shown.replace('RUNNING', 'COMPLETED'))?.isActive, false);
    assert.equal(parseJobDescription(shown.replace('RUNNING', 'COMPLETING'))?.isActive, true);
  });

  test('of no job say nothing', () => {
    assert.equal(parseJobDescription('slurm_load_jobs error: Invalid job id specified'), undefined);
    assert.equal(parseJobDescription(shown.replace('NumNodes=2', 'NumNodes=0')), undefined);
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
