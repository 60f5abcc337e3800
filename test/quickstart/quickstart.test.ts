// SPDX-License-Identifier: Apache-2.0
// ./quickstart is what a newcomer runs first.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { runOk } from '../support/command.ts';
import { realImage } from '../support/images.ts';
import { needs } from '../support/needs.ts';

const quickstart = resolve(import.meta.dirname, '../../quickstart');
const commands = ['docker-registry', 'skopeo', 'mmdebstrap', 'umoci', 'squashfuse_ll', 'musl-gcc'];
const skip = needs({ commands, root: true, userNamespaces: true, fuse: true });

test('from nothing to Python in a container, and again', { skip }, async () => {
  for (const round of ['first', 'second']) {
    const said = await runOk([quickstart], { timeoutMs: 600_000 });
    assert.match(said, /Hello from Python 3\.11\.\d+ in 12\.\d+ as uid [1-9]/, round);
    assert.match(said, /^pi is 3\.14159/m, round);
    assert.match(said.slice(said.indexOf('== summary')), /^slipway pull +\d+\.\d\d s$/m, round);
    assert.deepEqual(registriesOfQuickstart(), [], round);
  }
});

test('interrupted, it stops its registry and says where it was', { skip }, async () => {
  await realImage('debian-python');
  const child = spawn(quickstart, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    // As a terminal does: the signal goes to the whole process group.
    if (said.includes('== slipway pull')) process.kill(-(child.pid ?? 0), 'SIGINT');
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const status = await new Promise((done) => child.once('close', done));
  assert.equal(status, 130);
  assert.match(errors, /stopped in step "slipway pull"/);
  assert.deepEqual(registriesOfQuickstart(), []);
  assert.deepEqual(
    readdirSync('/tmp').filter((name) => name.startsWith('slipway-quickstart.')),
    [],
  );
});

function registriesOfQuickstart(): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /docker-registry\0serve\0\/tmp\/slipway-quickstart/.test(readFileSync(`/proc/${name}/cmdline`, 'latin1'));
    } catch {
      return false;
    }
  });
}
