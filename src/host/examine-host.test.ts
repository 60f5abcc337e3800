// SPDX-License-Identifier: Apache-2.0
// The examination as a whole: of an invented machine, and of this one against what its own tools say.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { examineHost } from './examine-host.ts';
import type { Finding } from './finding.ts';
import { type HostReader, thisMachine } from './reader.ts';

/** A machine that has nothing; each test adds. */
const bareMachine: HostReader = {
  uid: 1000,
  environment: {},
  kernel: { release: '6.1.0', architecture: 'x64' },
  readText: () => Promise.resolve(undefined),
  status: () => Promise.resolve(undefined),
  isAccessible: () => Promise.resolve(false),
  fileSystem: () => Promise.resolve(undefined),
  findProgram: () => Promise.resolve(undefined),
  run: () => Promise.resolve({ status: 127, output: 'there is no program unshare in PATH' }),
};

function stateOf(findings: readonly Finding[], id: string): string {
  return findings.find((finding) => finding.id === id)?.state ?? `no finding ${id}`;
}

test('a machine with nothing is described, not failed on', async () => {
  const findings = await examineHost({ reader: bareMachine, storeDirectory: '/home/u/.local/share/slipway' });
  const ids = findings.map((finding) => finding.id);
  assert.equal(new Set(ids).size, ids.length, 'ids are unique');
  assert.equal(stateOf(findings, 'user-namespaces'), 'warning', 'no program to try it with is not a refusal');
  for (const id of ['fuse-device', 'squashfuse', 'store', 'temporary-files']) {
    assert.equal(stateOf(findings, id), 'missing', id);
  }
  assert.equal(stateOf(findings, 'kernel-squashfs'), 'warning');
});

test('a store that does not exist yet is judged by the nearest directory above', async () => {
  const asked: string[] = [];
  const reader: HostReader = {
    ...bareMachine,
    status: (path) => Promise.resolve(path === '/home' ? { kind: 'directory', mode: 0o755, uid: 0 } : undefined),
    isAccessible: (path) => Promise.resolve(path === '/home'),
    fileSystem: (path) => {
      asked.push(path);
      return Promise.resolve({ magic: 0x6969, sizeBytes: 2 ** 40, freeBytes: 2 ** 39, freeInodes: 1 });
    },
  };
  const findings = await examineHost({ reader, storeDirectory: '/home/u/store' });
  assert.equal(asked[0], '/home');
  assert.match(
    findings.find((finding) => finding.id === 'store')?.detail ?? '',
    /^\/home\/u\/store, NFS, 512\.0 GiB free$/,
  );
});

test('settings are read from where the kernel keeps them', async () => {
  const reader: HostReader = {
    ...bareMachine,
    readText: (path) => Promise.resolve(path === '/proc/sys/user/max_user_namespaces' ? '0\n' : undefined),
  };
  const findings = await examineHost({ reader, storeDirectory: '/s' });
  assert.match(findings.find((finding) => finding.id === 'user-namespaces')?.detail ?? '', /max_user_namespaces is 0/);
});

test('this machine is described as its own tools describe it', async () => {
  const reader = thisMachine({
    uid: process.getuid?.() ?? 0,
    environment: { PATH: process.env['PATH'], TMPDIR: '/tmp' },
    signal: AbortSignal.timeout(20_000),
  });
  const findings = await examineHost({ reader, storeDirectory: '/tmp/slipway-none/store' });
  const detailOf = (id: string): string => findings.find((finding) => finding.id === id)?.detail ?? '';
  assert.ok(detailOf('kernel').startsWith(execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim()));
  const magic = execFileSync('stat', ['--file-system', '--format=%t', '/tmp'], { encoding: 'utf8' }).trim();
  const known: Readonly<Record<string, string>> = { 'ef53': 'ext4', '1021994': 'tmpfs', '794c7630': 'overlayfs' };
  assert.ok(detailOf('temporary-files').includes(known[magic] ?? magic), detailOf('temporary-files'));
  const hasFuse = existsSync('/dev/fuse') && (statSync('/dev/fuse').mode & 0o006) === 0o006;
  assert.equal(stateOf(findings, 'fuse-device') === 'ok', hasFuse);
});

test('a failed attempt at namespaces comes with the words of the program', async () => {
  const reader = thisMachine({ uid: 0, environment: { PATH: '/usr/bin:/bin' }, signal: AbortSignal.timeout(20_000) });
  const findings = await examineHost({
    reader,
    storeDirectory: '/tmp',
    namespaceAttempt: ['sh', '-c', 'echo "step one: EPERM" >&2; exit 1'],
  });
  assert.equal(stateOf(findings, 'user-namespaces'), 'missing');
  assert.match(findings.find((finding) => finding.id === 'user-namespaces')?.detail ?? '', /step one: EPERM/);
});

test('an abandoned examination ends', async () => {
  const controller = new AbortController();
  const reader = thisMachine({ uid: 0, environment: { PATH: '/usr/bin:/bin' }, signal: controller.signal });
  const examination = examineHost({ reader, storeDirectory: '/tmp', namespaceAttempt: ['sleep', '60'] });
  setTimeout(() => controller.abort(new Error('changed my mind')), 50);
  await assert.rejects(examination, /changed my mind/);
});
