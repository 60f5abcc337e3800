// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeCluster } from './cluster.ts';
import { judgeFuseDevice, judgeSquashfuse } from './fuse.ts';
import type { Finding, FindingState } from './finding.ts';
import { worstState } from './finding.ts';
import { judgeKernelSquashfs } from './kernel-squashfs.ts';
import { judgeKernel } from './kernel.ts';
import { judgeLimits, judgeRuntimeDirectory } from './session.ts';
import { fileSystemName, judgeRoom } from './storage.ts';
import { judgeUserNamespaces, type UserNamespaceFacts } from './user-namespaces.ts';

/** The state, and words that must stand in the detail or the administrator's remedy. */
function expectFinding(finding: Finding, state: FindingState, ...words: readonly string[]): void {
  assert.equal(finding.state, state, finding.detail);
  const text = `${finding.detail} ${finding.remedy?.administrator ?? ''} ${finding.remedy?.user ?? ''}`;
  for (const word of words) assert.ok(text.includes(word), `"${word}" in: ${text}`);
  assert.equal(finding.remedy === undefined, state === 'ok', 'a remedy exactly where something is to be remedied');
}

test('kernel: each missing feature is named by the version that brought it', () => {
  const judge = (release: string): Finding => judgeKernel({ release, architecture: 'x64' });
  expectFinding(judge('6.1.0-37-amd64'), 'ok', '6.1.0-37-amd64');
  expectFinding(judge('5.12.0'), 'ok');
  expectFinding(judge('5.11.22'), 'warning', 'mount_setattr');
  assert.ok(!judge('5.11.22').detail.includes('overlayfs'));
  expectFinding(judge('4.18.0-553.el8_10.x86_64'), 'warning', 'openat2', 'overlayfs', 'mount_setattr', 'open_tree');
  expectFinding(judge('3.10.0-1160.el7'), 'missing', '4.18');
  expectFinding(judge('unheard of'), 'missing');
});

test('user namespaces: the attempt decides, the settings explain', () => {
  const open: UserNamespaceFacts = {
    limit: 1000,
    cloneSetting: undefined,
    apparmorSetting: undefined,
    hasSeccompFilter: false,
    attempt: { outcome: 'succeeded', reason: '' },
  };
  const refused = {
    ...open,
    attempt: { outcome: 'refused', reason: 'unshare failed: Operation not permitted' },
  } as const;
  expectFinding(judgeUserNamespaces(open), 'ok', '1000');
  expectFinding(judgeUserNamespaces({ ...open, hasSeccompFilter: true }), 'ok');
  expectFinding(judgeUserNamespaces({ ...refused, limit: 0 }), 'missing', 'max_user_namespaces is 0');
  expectFinding(judgeUserNamespaces({ ...refused, cloneSetting: 0 }), 'missing', 'unprivileged_userns_clone=1');
  expectFinding(judgeUserNamespaces({ ...refused, apparmorSetting: 1 }), 'missing', 'AppArmor profile');
  expectFinding(judgeUserNamespaces({ ...refused, hasSeccompFilter: true }), 'missing', 'another container');
  expectFinding(judgeUserNamespaces(refused), 'missing', 'Operation not permitted');
  const untried = { ...open, attempt: { outcome: 'not-made', reason: 'no program unshare' } } as const;
  expectFinding(judgeUserNamespaces(untried), 'warning', 'no program unshare');
  expectFinding(judgeUserNamespaces({ ...untried, limit: 0 }), 'missing', 'max_user_namespaces is 0');
});

test('user namespaces: what only root or a profile may do is no "ok"', () => {
  const facts = { limit: 9, hasSeccompFilter: false, attempt: { outcome: 'succeeded', reason: '' } } as const;
  const asRoot = judgeUserNamespaces({ ...facts, cloneSetting: 0, apparmorSetting: undefined });
  expectFinding(asRoot, 'warning', 'unprivileged_userns_clone');
  const withProfile = judgeUserNamespaces({ ...facts, cloneSetting: 1, apparmorSetting: 1 });
  expectFinding(withProfile, 'warning', 'apparmor_restrict_unprivileged_userns');
});

test('/dev/fuse: absent, closed, open to root alone, open', () => {
  expectFinding(judgeFuseDevice({ isDevice: false, mode: 0, canOpen: false }), 'missing', 'modprobe fuse');
  expectFinding(judgeFuseDevice({ isDevice: true, mode: 0o600, canOpen: false }), 'missing', '0600', '0666');
  expectFinding(judgeFuseDevice({ isDevice: true, mode: 0o600, canOpen: true }), 'warning', 'closed to ordinary users');
  expectFinding(judgeFuseDevice({ isDevice: true, mode: 0o666, canOpen: true }), 'ok');
});

test('squashfuse_ll: absent, too old for zstd, present', () => {
  const path = '/usr/bin/squashfuse_ll';
  expectFinding(judgeSquashfuse({ path: undefined, version: undefined }), 'missing', '/usr/local/bin');
  expectFinding(judgeSquashfuse({ path, version: '0.1.100' }), 'warning', 'zstd');
  for (const version of ['0.1.101', '0.1.104', '0.5.2', '1.0', undefined]) {
    expectFinding(judgeSquashfuse({ path, version }), 'ok', path);
  }
});

test('kernel squashfs is only a warning: users do without', () => {
  expectFinding(judgeKernelSquashfs({ fileSystem: 'module', hasLoopDevices: true }), 'ok');
  expectFinding(judgeKernelSquashfs({ fileSystem: 'absent', hasLoopDevices: true }), 'warning', 'no squashfs');
  expectFinding(judgeKernelSquashfs({ fileSystem: 'loaded', hasLoopDevices: false }), 'warning', 'loop-control');
});

test('room: writable, enough, on what', () => {
  const question = { id: 'store', what: 'image store', variable: 'SLIPWAY_STORE' } as const;
  const facts = {
    path: '/scratch/u/slipway',
    existing: '/scratch/u',
    canWrite: true,
    magic: 0x0bd00bd0,
    freeBytes: 50 * 2 ** 30,
    freeInodes: 1000,
  };
  expectFinding(judgeRoom(facts, question), 'ok', 'Lustre', '50.0 GiB');
  expectFinding(judgeRoom({ ...facts, canWrite: false }, question), 'missing', 'write to /scratch/u', 'SLIPWAY_STORE');
  expectFinding(judgeRoom({ ...facts, freeBytes: 2 ** 30 }, question), 'warning', '1.0 GiB');
  expectFinding(judgeRoom({ ...facts, freeBytes: 10 * 2 ** 20 }, question), 'missing', '10 MiB');
  expectFinding(judgeRoom({ ...facts, magic: 0x01021994 }, question), 'warning', 'tmpfs', 'memory');
  expectFinding(judgeRoom({ ...facts, magic: undefined }, question), 'ok', 'unknown');
  expectFinding(judgeRoom({ ...facts, magic: 0x5346414f }, question), 'warning', 'credentials');
});

test('a file system type above 2^31 is known whether given signed or not', () => {
  assert.equal(fileSystemName(0x9123683e), 'Btrfs');
  assert.equal(fileSystemName(0x9123683e | 0), 'Btrfs');
  assert.equal(fileSystemName(0x1234), 'type 0x1234');
});

test('runtime directory: a variable inherited from another user is noticed', () => {
  const facts = { uid: 1000, path: '/run/user/1000', isDirectory: true, owner: 1000, mode: 0o700 };
  expectFinding(judgeRuntimeDirectory(facts), 'ok', '/run/user/1000');
  expectFinding(judgeRuntimeDirectory({ ...facts, path: undefined }), 'ok', 'not set');
  expectFinding(judgeRuntimeDirectory({ ...facts, owner: 0 }), 'warning', 'uid 0');
  expectFinding(judgeRuntimeDirectory({ ...facts, mode: 0o755 }), 'warning', '0755');
  expectFinding(judgeRuntimeDirectory({ ...facts, isDirectory: false, owner: undefined }), 'warning', 'no such');
});

test('limits: locked memory matters only beside an RDMA adapter', () => {
  const facts = { processes: 4096, openFiles: 1024, lockedMemoryBytes: 65536, hasRdma: false };
  expectFinding(judgeLimits(facts), 'ok');
  expectFinding(judgeLimits({ ...facts, hasRdma: true }), 'warning', '65536');
  expectFinding(judgeLimits({ ...facts, hasRdma: true, lockedMemoryBytes: undefined }), 'ok');
  expectFinding(judgeLimits({ ...facts, processes: 100 }), 'warning', '100 processes');
});

test('cluster: Slurm without munge is worth a word', () => {
  const facts = { cgroups: 'version 2', slurmJob: undefined, srun: undefined, hasMungeSocket: false } as const;
  const states = (findings: readonly Finding[]): FindingState => worstState(findings);
  assert.equal(states(judgeCluster(facts)), 'ok');
  assert.equal(states(judgeCluster({ ...facts, srun: '/usr/bin/srun' })), 'warning');
  assert.equal(states(judgeCluster({ ...facts, srun: '/usr/bin/srun', hasMungeSocket: true })), 'ok');
});
