// SPDX-License-Identifier: Apache-2.0
// Plans with one of every step and every trace entry, as the planner would encode them: seeds for the fuzzer.
// Run directly it writes them: node test/security/sample-plans.ts native/fuzz/corpus/plan
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hookStages, pidMark, type Plan, placeMark, type Step, type TraceEntry } from '../../src/model/index.ts';
import { encodePlan } from '../../src/plan/index.ts';

/** The identity that a launcher built without one has. */
export const unnamedBuild: string = '0'.repeat(32);

const stamp = {
  dev: 2049n,
  ino: 131n,
  mode: 0o100644n,
  sizeBytes: 4096n,
  mtimeNs: 1_700_000_000_123_456_789n,
  ctimeNs: -5n,
};

const trace: readonly TraceEntry[] = [
  { read: 'identity', uid: 1000, gid: 1000, groups: [4, 24, 1000] },
  { read: 'environment', name: 'HOME', value: '/home/u' },
  { read: 'environment', name: 'SLIPWAY_STORE', value: undefined },
  { read: 'file', path: '/etc/passwd', stamp },
  { read: 'link', path: '/images/rootfs/bin', stamp },
  { read: 'kind', path: '/images/rootfs', format: 0o040000, follows: true },
  { read: 'kind', path: '/images/rootfs/etc', format: 0o040000, follows: false },
  { read: 'absent', path: '/images/rootfs/home/u' },
  { read: 'cwd', path: '/home/u/work' },
];

const environment: readonly Step[] = [
  { step: 'environment', edit: { edit: 'clear', keep: ['HOME', 'SLURM_*', '*_?'] }, origin: '--clear-env' },
  { step: 'environment', edit: { edit: 'unset', glob: 'LD_*' }, origin: 'default' },
  { step: 'environment', edit: { edit: 'set', name: 'PATH', value: '/usr/bin:/bin' }, origin: 'the image' },
  { step: 'environment', edit: { edit: 'default', name: 'LANG', value: 'C.UTF-8' }, origin: 'the image' },
  { step: 'environment', edit: { edit: 'prepend', name: 'PATH', value: '/opt/bin', separator: ':' }, origin: '-e' },
  { step: 'environment', edit: { edit: 'append', name: 'PATH', value: '/last', separator: ':' }, origin: '-e' },
  { step: 'environment', edit: { edit: 'unset', glob: 'A*' }, origin: '--unset-env' },
  { step: 'environment', edit: { edit: 'set', name: 'B', value: '' }, origin: '-e' },
];

const end: readonly Step[] = [
  { step: 'umask', mask: 0o022 },
  { step: 'no-new-privileges' },
  { step: 'chdir', how: 'caller', path: '/home/u', origin: 'default' },
  { step: 'chdir', how: 'try', path: '/', origin: 'default' },
  { step: 'exec', argv: [] },
];

const identity: Step = { step: 'namespaces', namespaces: ['user', 'mount'], uid: 1000, gid: 1000, origin: 'default' };

const mounts: readonly Step[] = [
  { step: 'bind', source: '/dev', target: '/dev', flags: { recursive: true }, origin: 'default' },
  {
    step: 'bind',
    source: '/etc/hosts',
    target: '/etc/hosts',
    flags: { readOnly: true, optional: true },
    origin: 'default',
  },
  {
    step: 'bind',
    source: '/scratch/a b',
    target: '/data',
    flags: { create: true, nosuid: true, nodev: true },
    origin: '-v',
  },
  { step: 'tmpfs', target: '/tmp', sizeBytes: 1 << 20, mode: 0o1777, flags: { noexec: true }, origin: '--mount' },
  { step: 'root-read-only' },
  { step: 'enter' },
];

const hook = {
  step: 'hook',
  path: '/usr/bin/hook',
  env: ['A=1', 'B='],
  state: `{"id":"c-${pidMark}","pid":${pidMark}}`,
  origin: '/etc/hooks.d/a.json:3',
} as const;

function sample(covers: Plan['covers'], steps: readonly Step[], more: Partial<Plan> = {}): Plan {
  const statuses = { own: 125, notFound: 127, notExecutable: 126 };
  return { covers, subject: 'debian:12', style: 'slipway', statuses, trace, steps, ...more };
}

/** Plans by name. */
export const samplePlans: Readonly<Record<string, Plan>> = {
  directory: sample({ words: ['slipway', 'run', './rootfs', '--'], isExact: false }, [
    identity,
    { step: 'root-directory', path: '/images/rootfs', flags: { readOnly: true, recursive: true }, origin: 'the image' },
    ...mounts,
    ...environment,
    ...end,
  ]),
  held: sample({ words: ['slipway', 'run', 'debian:12', 'true'], isExact: true }, [
    { ...identity, uid: 0, gid: 0 },
    {
      step: 'hold',
      key: '0123456789abcdef0123456789abcdef',
      lingerMs: 5000,
      scope: ['SLURM_JOB_ID', 'SLURM_STEP_ID', '@sources'],
    },
    {
      step: 'root-squashfuse',
      image: '/store/x.squashfs',
      server: '/usr/bin/squashfuse_ll',
      flags: { nosuid: true },
      origin: 'x',
    },
    { step: 'overlay', on: { tmpfsBytes: 16 << 20 }, origin: 'mount points that the image lacks' },
    ...mounts,
    identity,
    { step: 'held' },
    ...end,
  ]),
  kept: sample(
    { words: ['ch-run', '-w', 'img', '--'], isExact: false },
    [
      { step: 'namespaces', namespaces: ['user', 'mount', 'ipc', 'uts', 'net'], uid: 0, gid: 0, origin: '--uid' },
      { step: 'root-directory', path: '/images/rootfs', flags: {}, origin: 'the image' },
      { step: 'overlay', on: { directory: '/scratch/upper' }, origin: '--writable' },
      { step: 'enter' },
      { step: 'chdir', how: 'must', path: '/work', origin: '--workdir' },
      { step: 'exec', argv: ['/bin/sh', '-c', 'true'] },
    ],
    { style: 'charliecloud', maxAgeMs: 3_600_000 },
  ),
  host: sample({ words: ['python3'], isExact: false }, [
    identity,
    { step: 'root-host' },
    { step: 'enter' },
    ...environment,
    { step: 'exec', argv: ['python3'] },
  ]),
  wrapper: sample(
    { words: [placeMark], isExact: false },
    [
      { ...identity, uid: 'own', gid: 'own' },
      { step: 'hold', key: '0123456789abcdef0123456789abcdef', lingerMs: 0, scope: ['@sources', placeMark] },
      { step: 'root-host' },
      {
        step: 'squashfuse',
        image: `${placeMark}/img.sqfs`,
        server: '/usr/bin/squashfuse_ll',
        target: placeMark,
        flags: { nosuid: true },
        origin: 'the installation',
      },
      { step: 'enter' },
      { step: 'held' },
      { step: 'activate', unlessSet: 'CW_NO_CONDA_ACTIVATE', throughVenvIfSet: 'CW_FORCE_CONDA_ACTIVATE' },
      ...environment,
      { step: 'activated' },
      { step: 'chdir', how: 'caller', path: '/', origin: 'default' },
      { step: 'exec-namesake', directory: `${placeMark}/bin`, builtIn: '/home/u/built', starter: [] },
    ],
    { trace: [] },
  ),
  prepared: sample({ words: ['setupRoot', 'id', 'abc'], isExact: true }, [
    { step: 'namespaces', namespaces: ['mount'], uid: 0, gid: 0, origin: 'setupRoot' },
    { step: 'root-squashfs', image: '/images/abc.squashfs', flags: { nosuid: true, nodev: true }, origin: 'the image' },
    { step: 'overlay', on: { layer: '/run/slipway/s-1' }, origin: 'what is laid over the image' },
    { step: 'bind', source: '/a', target: '/b', flags: { inside: true, readOnly: true }, origin: '--volume' },
    { step: 'leave-at', path: '/var/udiMount', origin: 'udiMount' },
    { step: 'chdir', how: 'caller', path: '/', origin: 'default', complains: true },
    { step: 'exec', argv: ['/bin/true'] },
  ]),
  hooked: sample({ words: ['sarus', 'run', 'image'], isExact: false }, [
    { ...identity, uid: 0, gid: 0 },
    { step: 'root-directory', path: '/images/rootfs', flags: {}, origin: 'the image' },
    { step: 'show-root', path: '/run/s-1/rootfs' },
    ...hookStages
      .slice(0, 3)
      .map((stage): Step => ({ ...hook, stage, timeoutMs: 5000, args: ['hook', stage], directory: '/run/s-1' })),
    { step: 'enter' },
    identity,
    ...hookStages.slice(3).map((stage): Step => ({ ...hook, stage, args: [], directory: '/' })),
    ...end,
  ]),
  // Names and globs for which a matcher that goes back at every star takes longer than anyone waits.
  globs: sample(
    { words: ['tool'], isExact: false },
    [
      { step: 'environment', edit: { edit: 'unset', glob: `${'*A'.repeat(30)}B` }, origin: '-e' },
      { step: 'environment', edit: { edit: 'clear', keep: ['*'.repeat(3000)] }, origin: '-e' },
      { step: 'exec', argv: ['true'] },
    ],
    { trace: [{ read: 'environment', name: 'A'.repeat(200), value: '' }] },
  ),
  bare: sample({ words: ['tool'], isExact: true }, [{ step: 'exec', argv: ['/bin/true', ''] }], { trace: [] }),
};

if (process.argv[1] === import.meta.filename) {
  const directory = process.argv[2] ?? '';
  mkdirSync(directory, { recursive: true });
  for (const [name, plan] of Object.entries(samplePlans)) {
    writeFileSync(join(directory, `${name}.plan`), encodePlan(plan, unnamedBuild, 1_700_000_000_000_000_000n));
  }
}
