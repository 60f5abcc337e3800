// SPDX-License-Identifier: Apache-2.0
// Control groups of version 2, with a controller that this machine has there.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmdirSync } from 'node:fs';
import { after, test } from 'node:test';
import { isRoot } from '../../test/support/needs.ts';
import { joinCgroup, killCgroup, makeCgroup } from './cgroup.ts';

const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/self/mounts', 'utf8'))?.[1];
const controllers = mount === undefined || !isRoot() ? '' : readFileSync(`${mount}/cgroup.controllers`, 'utf8').trim();
const [controller = ''] = controllers.split(' ').filter((name) => name === 'memory' || name === 'hugetlb');
const skip = mount === undefined || controller === '' ? 'machine: no control groups of version 2 for root' : false;

test('a group has a controller that those above have, and goes with its processes', { skip }, async () => {
  const names = [`slipway-test-${process.pid}`, 'uid_1', 'job_1'];
  const path = await makeCgroup(mount ?? '', names, controller);
  after(() => {
    for (let depth = names.length; depth > 0; depth -= 1) {
      const each = [mount, ...names.slice(0, depth)].join('/');
      if (existsSync(each)) rmdirSync(each);
    }
  });
  assert.equal(path, [mount, ...names].join('/'));
  assert.ok(readFileSync(`${path}/cgroup.controllers`, 'utf8').split(/\s/).includes(controller));
  assert.equal(await makeCgroup(mount ?? '', names, controller), path);
  const child = spawn('sleep', ['100']);
  await joinCgroup(path, child.pid ?? 0);
  assert.equal(readFileSync(`${path}/cgroup.procs`, 'utf8'), `${child.pid}\n`);
  await killCgroup(path, new AbortController().signal);
  assert.equal(existsSync(path), false);
  assert.equal(
    child.signalCode ?? (await new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)))),
    'SIGKILL',
  );
});
