// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fakeEnvironment } from '../terminal/testing/fake-environment.ts';
import { main } from './main.ts';

const directory = mkdtempSync(join(tmpdir(), 'slipway-config-'));
after(() => rmSync(directory, { recursive: true }));
const path = join(directory, 'udiRoot.conf');
const isRoot = process.getuid?.() === 0;

async function check(
  text: string,
): Promise<{ readonly status: number; readonly said: string; readonly complaint: string }> {
  writeFileSync(path, text);
  chmodSync(path, 0o644);
  const environment = fakeEnvironment({});
  const status = await main(['config', 'check', path], environment);
  return { status, said: environment.stdout.text(), complaint: environment.stderr.text() };
}

const tools = ['modprobe', 'insmod', 'cp', 'mv', 'chmod', 'dd'].map((name) => `${name}Path=/bin/sh`).join('\n');
const good = `${tools}\nudiMount=/var/udiMount\nloopMount=/l\nimagePath=/tmp\nudiRootPath=/usr\netcPath=/etc\nrootfsType=tmpfs\n`;

test('lists all that is wrong, with lines', { skip: !isRoot && 'root: the file must be root’s' }, async () => {
  const { status, said } = await check(
    `nosuch=1\nudiMount=/m\nmodule_a_b_c=1\nsiteFs=/a:/etc\nautoLoadKernelModule=1\n`,
  );
  assert.equal(status, 1);
  assert.match(said, /udiRoot.conf:1: nosuch: there is no such key/);
  assert.match(said, /udiRoot.conf:4: siteFs: \/a:\/etc: \/etc is made for each container/);
  assert.match(said, /^note: .*:5: autoLoadKernelModule/m);
});

test(
  'says that a good file can be used, and what it names that is missing',
  { skip: !isRoot && 'root: the file must be root’s' },
  async () => {
    const fine = await check(good);
    assert.deepEqual([fine.status, fine.said], [0, `${path} can be used\n`]);
    const missing = await check(`${good}siteFs=/no/such/place\ndefaultModules=gone\n`);
    assert.equal(missing.status, 1);
    assert.match(missing.said, /there is nothing at \/no\/such\/place/);
    assert.match(missing.said, /there is no module gone/);
  },
);

test('refuses a file that others can write', async () => {
  writeFileSync(path, good);
  chmodSync(path, 0o666);
  const environment = fakeEnvironment({});
  assert.equal(await main(['config', 'check', path], environment), 1);
  assert.match(environment.stderr.text(), /trust .*udiRoot.conf/);
});
