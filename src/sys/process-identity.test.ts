// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { livenessOf, livenessOfTemporary, temporaryName, thisProcess } from './process-identity.ts';

test('this process is alive; its number at another time was another process', () => {
  const self = thisProcess();
  assert.equal(livenessOf(self), 'alive');
  assert.equal(livenessOf({ ...self, startTicks: String(Number(self.startTicks) + 1) }), 'gone');
});

test('a process that has ended is gone, also while its parent has not noticed', async () => {
  const self = thisProcess();
  // What the shell becomes waits for no child: its child stays a zombie.
  const parent = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 60']);
  const [output] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(output.toString().trim());
  try {
    let fields: readonly string[] = [];
    while (fields[0] !== 'Z') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    assert.equal(livenessOf({ ...self, pid, startTicks: fields[19]! }), 'gone');
    const parentStat = readFileSync(`/proc/${parent.pid}/stat`, 'latin1');
    const parentTicks = parentStat.slice(parentStat.lastIndexOf(')') + 2).split(' ')[19]!;
    assert.equal(livenessOf({ ...self, pid: parent.pid!, startTicks: parentTicks }), 'alive');
  } finally {
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  }
  assert.equal(livenessOf({ ...self, pid: parent.pid! }), 'gone');
});

test('what runs elsewhere is unknown', () => {
  const self = thisProcess();
  assert.equal(livenessOf({ ...self, host: `${self.host}2` }), 'unknown');
  assert.equal(livenessOf({ ...self, bootId: 'another' }), 'unknown');
  assert.equal(livenessOf({ ...self, pidNamespace: 'pid:[1]' }), 'unknown');
});

test('a temporary name is unique, short, and tells whether its process lives', () => {
  const names = new Set(Array.from({ length: 100 }, temporaryName));
  assert.equal(names.size, 100);
  const name = temporaryName();
  assert.match(name, /^[A-Za-z0-9._-]{1,130}$/);
  assert.equal(livenessOfTemporary(name), 'alive');
  assert.equal(livenessOfTemporary(name.replace(/-\d+-\d+-([0-9a-f]+)$/, '-1-1-$1')), 'gone');
  assert.equal(livenessOfTemporary(name.replace(/-\d+-\d+-([0-9a-f]+)$/, '-1-1-$1.squashfs')), 'gone');
  assert.equal(livenessOfTemporary(`elsewhere-00000000-1-1-${'0'.repeat(12)}`), 'unknown');
  assert.equal(livenessOfTemporary('notes.txt'), 'unknown');
  assert.equal(livenessOfTemporary(''), 'unknown');
});
