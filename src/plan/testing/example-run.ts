// SPDX-License-Identifier: Apache-2.0
// Requests, images and machines for tests of planning: one plain example, and arbitrary ones.
import * as fc from 'fast-check';
import {
  type Adaptation,
  type EnvironmentEdit,
  emptyImageConfig,
  type HookRequest,
  hookStages,
  type MountRequest,
  noIsolation,
  type RunRequest,
} from '../../model/index.ts';
import type { GuestKind, HostFacts, ImageFacts, SiteFacts } from '../index.ts';

export type PlanInput = {
  readonly request: RunRequest;
  readonly given: { readonly image: ImageFacts; readonly host: HostFacts; readonly site: SiteFacts };
};

export const exampleRequest: RunRequest = {
  adaptations: [],
  writable: { kind: 'none' },
  hasCommand: true,
  home: true,
  joining: { kind: 'ranks' },
  isolation: noIsolation,
};

export const exampleHost: HostFacts = {
  uid: 1000,
  gid: 100,
  userName: 'ann',
  groupName: 'users',
  fullName: 'Ann',
  home: '/home/ann',
  shell: '/bin/bash',
  temporaryDirectory: undefined,
  sourceKinds: new Map(),
  squashfuse: '/usr/bin/squashfuse_ll',
  generatedDirectory: '/run/user/1000/slipway',
};

/** Has what the default mounts need, and an empty /home. */
export const exampleImage: ImageFacts = {
  subject: 'debian:12',
  root: { kind: 'directory', path: '/images/debian' },
  identity: 'sha256:1',
  config: emptyImageConfig({ os: 'linux', architecture: 'amd64' }),
  kinds: new Map<string, GuestKind>([
    ...['/dev', '/proc', '/sys', '/tmp'].map((path) => [path, 'directory'] as const),
    ...['/etc/resolv.conf', '/etc/hosts', '/etc/passwd', '/etc/group'].map((path) => [path, 'file'] as const),
  ]),
  emptyAncestors: new Map([['/home/ann', '/home']]),
  places: new Map(),
  passwd: 'root:x:0:0:root:/root:/bin/sh\n',
  group: 'root:x:0:\n',
};

export const exampleSite: SiteFacts = { lingerMs: 5000 };

/** Text as it comes on a command line: no NUL, no lone surrogate. */
export const text: fc.Arbitrary<string> = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .map((value) => value.replaceAll('\0', ''));
const name = fc.string({ unit: fc.constantFrom('A', 'B', 'C', '_', '1'), minLength: 1, maxLength: 4 });
export const guestPath: fc.Arbitrary<string> = fc
  .array(fc.constantFrom('a', 'b', 'c', 'home', 'ann', 'tmp'), { minLength: 1, maxLength: 4 })
  .map((names) => `/${names.join('/')}`);

const environmentEdit: fc.Arbitrary<EnvironmentEdit> = fc.oneof(
  fc.record({ edit: fc.constant('clear'), keep: fc.array(name, { maxLength: 3 }) }),
  fc.record({ edit: fc.constant('unset'), glob: name }),
  fc.record({
    edit: fc.constant('unset-matching'),
    glob: name,
    matcher: fc.array(fc.bigInt({ min: 0n, max: 2n ** 49n - 1n }), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ edit: fc.constantFrom('set', 'default', 'expand'), name, value: text }),
  fc.record({ edit: fc.constantFrom('prepend', 'append'), name, value: text, separator: fc.constantFrom(':', ' ') }),
);

const flags = fc.record(
  {
    recursive: fc.boolean(),
    readOnly: fc.boolean(),
    optional: fc.boolean(),
    nosuid: fc.boolean(),
    nodev: fc.boolean(),
    noexec: fc.boolean(),
  },
  { requiredKeys: [] },
);
export const mountRequest: fc.Arbitrary<MountRequest> = fc.oneof(
  fc.record({ kind: fc.constant('bind'), source: guestPath, target: guestPath, flags }),
  fc.record({
    kind: fc.constant('tmpfs'),
    target: guestPath,
    sizeBytes: fc.nat({ max: 1 << 30 }),
    mode: fc.nat({ max: 0o7777 }),
    flags,
  }),
);
const adaptation: fc.Arbitrary<Adaptation> = fc.record({
  origin: text,
  mounts: fc.array(mountRequest, { maxLength: 3 }),
  environment: fc.array(environmentEdit, { maxLength: 3 }),
});
const hook: fc.Arbitrary<HookRequest> = fc.record(
  {
    stage: fc.constantFrom(...hookStages),
    path: guestPath,
    args: fc.array(text, { maxLength: 3 }),
    env: fc.array(text, { maxLength: 2 }),
    timeoutSeconds: fc.integer({ min: 1, max: 10_000 }),
  },
  { requiredKeys: ['stage', 'path', 'args', 'env'] },
);
const id = fc.nat({ max: 0xffff_fffe });

/** Any request on any image: what plan() is given, with facts that fit one another. */
export const planInput: fc.Arbitrary<PlanInput> = fc
  .record({
    adaptations: fc.array(adaptation, { maxLength: 4 }),
    // Seldom, since they keep ranks apart.
    hooks: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(hook, { maxLength: 3 })),
    writable: fc.oneof(
      fc.constant({ kind: 'none' } as const),
      fc.record({ kind: fc.constant('tmpfs'), sizeBytes: fc.integer({ min: 1, max: 1 << 30 }) }),
      fc.record({ kind: fc.constant('directory'), path: guestPath }),
    ),
    optional: fc.record(
      { workdir: guestPath, entrypoint: fc.array(text, { minLength: 1, maxLength: 2 }), uid: id, gid: id },
      { requiredKeys: [] },
    ),
    hasCommand: fc.boolean(),
    home: fc.boolean(),
    joining: fc.oneof(
      fc.record({ kind: fc.constantFrom('ranks', 'nobody', 'all') }),
      fc.record({ kind: fc.constant('tag'), tag: text }),
      fc.record({ kind: fc.constant('process'), pid: fc.integer({ min: 1, max: 4_000_000 }) }),
    ),
    isolation: fc.record(
      {
        namespaces: fc.uniqueArray(fc.constantFrom('pid', 'ipc', 'uts', 'net'), { maxLength: 4 }),
        privateTmp: fc.boolean(),
        fakesRoot: fc.boolean(),
        limits: fc.array(
          fc.record({
            resource: fc.constantFrom('as', 'core', 'nofile', 'stack'),
            soft: fc.oneof(fc.nat(), fc.constant('none' as const)),
            hard: fc.oneof(fc.nat(), fc.constant('none' as const)),
          }),
          { maxLength: 2 },
        ),
        capabilities: fc.uniqueArray(fc.nat({ max: 40 }), { maxLength: 3 }),
        umask: fc.nat({ max: 0o777 }),
        descriptors: fc.uniqueArray(fc.integer({ min: 3, max: 1000 }), { maxLength: 3 }),
      },
      { requiredKeys: ['namespaces', 'privateTmp', 'fakesRoot', 'limits'] },
    ),
    isSquashfs: fc.boolean(),
    env: fc.array(
      fc.tuple(name, text).map(([key, value]) => `${key}=${value}`),
      { maxLength: 3 },
    ),
    imageEntrypoint: fc.array(text, { maxLength: 2 }),
    cmd: fc.array(text, { minLength: 1, maxLength: 2 }),
    imageWorkdir: fc.option(guestPath, { nil: undefined }),
    missing: fc.uniqueArray(guestPath, { maxLength: 12 }),
    lingerMs: fc.oneof(fc.nat({ max: 100_000 }), fc.constant('for-ever' as const)),
  })
  .map((parts): PlanInput => {
    const { writable, optional, hasCommand, home, joining, isolation } = parts;
    const areHooksRun = joining.kind !== 'tag' && joining.kind !== 'process';
    const hooked: Adaptation = { origin: 'hooks', mounts: [], environment: [], hooks: parts.hooks };
    const adaptations = [...parts.adaptations, ...(areHooksRun ? [hooked] : [])];
    const request: RunRequest = { adaptations, writable, hasCommand, home, joining, isolation, ...optional };
    const targets = [...adaptations.flatMap(({ mounts }) => mounts.map(({ target }) => target)), '/home/ann'];
    const isMissing = (path: string): boolean =>
      parts.missing.some((other) => path === other || path.startsWith(`${other}/`));
    const kinds = new Map(exampleImage.kinds);
    const emptyAncestors = new Map<string, string>();
    for (const target of targets) {
      if (!isMissing(target)) kinds.set(target, 'directory');
      // The directory above the topmost missing one, taken to be empty.
      const above = parts.missing.filter((other) => target === other || target.startsWith(`${other}/`)).toSorted()[0];
      const ancestor = above?.slice(0, above.lastIndexOf('/'));
      if (ancestor !== undefined && ancestor !== '') emptyAncestors.set(target, ancestor);
    }
    const image: ImageFacts = {
      ...exampleImage,
      root: parts.isSquashfs ? { kind: 'squashfs', path: '/images/a.squashfs' } : exampleImage.root,
      kinds,
      emptyAncestors,
      config: {
        ...exampleImage.config,
        env: parts.env,
        entrypoint: parts.imageEntrypoint,
        cmd: parts.cmd,
        ...(parts.imageWorkdir === undefined ? {} : { workdir: parts.imageWorkdir }),
      },
    };
    return { request, given: { image, host: exampleHost, site: { lingerMs: parts.lingerMs } } };
  });
