// SPDX-License-Identifier: Apache-2.0
// `slipway doctor` on machines that really lack something: user namespaces let an ordinary user make them so.
import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import type { Finding } from '../../src/host/index.ts';
import { needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';

const skip = needs({ commands: ['squashfuse_ll'], userNamespaces: true, fuse: true });

suite('slipway doctor', { skip }, () => {
  let user: TestUser;
  before(async () => {
    user = await acquireTestUser();
  });

  /** Runs it as root of a new user and mount namespace, after `prepare`, a line of shell. */
  const examineAfter = async (prepare: string): Promise<ReadonlyMap<string, Finding>> => {
    const script = `${prepare} && { slipway doctor --json || true; }`;
    const said = await user.runOk(['unshare', '--user', '--map-root-user', '--mount', 'sh', '-ec', script]);
    return new Map((JSON.parse(said) as readonly Finding[]).map((finding) => [finding.id, finding]));
  };
  const expect = (findings: ReadonlyMap<string, Finding>, id: string, state: string, detail: RegExp): void => {
    const finding = findings.get(id);
    assert.equal(finding?.state, state, finding?.detail);
    assert.match(finding?.detail ?? '', detail);
  };

  test('finds nothing missing here, and exits 0', async () => {
    const { status, stdout, stderr } = await user.run(['slipway', 'doctor']);
    assert.equal(status, 0, stdout);
    assert.equal(stderr, '');
    assert.doesNotMatch(stdout, /^missing/m);
  });

  test('has the same to say with an empty PATH', async () => {
    const env = { PATH: '/nonexistent' };
    const { stdout } = await user.run([`${user.prefix}/bin/slipway`, 'doctor', '--quiet'], { env });
    assert.doesNotMatch(stdout, /^missing/m);
  });

  test('says where user namespaces are switched off, and how to allow them', async () => {
    const findings = await examineAfter('echo 0 > /proc/sys/user/max_user_namespaces');
    expect(findings, 'user-namespaces', 'missing', /max_user_namespaces is 0/);
    assert.match(findings.get('user-namespaces')?.remedy?.administrator ?? '', /sysctl/);
  });

  test('says that /dev/fuse is no device, or closed', async () => {
    const hidden = await examineAfter('touch "$HOME/empty" && mount --bind "$HOME/empty" /dev/fuse');
    expect(hidden, 'fuse-device', 'missing', /no such device/);
  });

  test('says that squashfuse_ll is nowhere', async () => {
    const findings = await examineAfter(
      'mount -t tmpfs none /usr/local/bin && : > "$HOME/none" && mount --bind "$HOME/none" /usr/bin/squashfuse_ll',
    );
    expect(findings, 'squashfuse', 'missing', /in none of/);
  });

  test('says that the store can not be written, or has no room', async () => {
    const readOnly = await examineAfter('mount -t tmpfs -o ro none "$HOME"');
    expect(readOnly, 'store', 'missing', /can not write/);
    const full = await examineAfter('mount -t tmpfs -o size=1m none "$HOME"');
    expect(full, 'store', 'missing', /tmpfs, only \d MiB free/);
  });

  test('ends with status 1 when something is missing', async () => {
    const { status } = await user.run(['slipway', 'doctor'], { env: { SLIPWAY_STORE: '/proc/store' } });
    assert.equal(status, 1);
  });
});
