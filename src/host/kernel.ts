// SPDX-License-Identifier: Apache-2.0
// The kernel's version and what it means. A distribution may have brought a feature to an older version (RHEL does);
// the launcher tries each and falls back, so an old version is a warning, and only the floor a lack.
import type { Finding } from './finding.ts';
import type { HostReader } from './reader.ts';

type Version = readonly [major: number, minor: number];

/** What later kernels added that Slipway uses, and what it does without. */
const features: readonly { readonly since: Version; readonly lack: string }[] = [
  { since: [5, 2], lack: 'no open_tree and move_mount (5.2): mounts are bound by path' },
  { since: [5, 3], lack: 'no pidfd_open (5.3)' },
  { since: [5, 6], lack: 'no openat2 (5.6): paths in images are resolved step by step' },
  { since: [5, 11], lack: 'no overlayfs in user namespaces (5.11): an image can not be made writable for a run' },
  { since: [5, 12], lack: 'no mount_setattr (5.12): a bind mount is made read-only without what is mounted below it' },
];
/** FUSE in user namespaces. */
const floor: Version = [4, 18];

export type KernelFacts = { readonly release: string; readonly architecture: string };

export function readKernel(reader: HostReader): KernelFacts {
  return reader.kernel;
}

/** Id `kernel`. */
export function judgeKernel(facts: KernelFacts): Finding {
  const what = 'Linux kernel';
  const match = /^(\d+)\.(\d+)/.exec(facts.release);
  const version: Version = [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
  const name = `${facts.release} (${facts.architecture})`;
  if (isBefore(version, floor)) {
    return {
      id: 'kernel',
      state: 'missing',
      what,
      detail: `${name}: FUSE in user namespaces needs 4.18, and nothing older has been tried`,
      remedy: {
        user: 'Use a node with Linux 4.18 or newer (RHEL 8, Debian 10, Ubuntu 20.04 or later).',
        administrator: 'Install a distribution with Linux 4.18 or newer.',
      },
    };
  }
  const lacks = features.filter((feature) => isBefore(version, feature.since)).map((feature) => feature.lack);
  if (lacks.length === 0) return { id: 'kernel', state: 'ok', what, detail: name };
  return {
    id: 'kernel',
    state: 'warning',
    what,
    detail: `${name}: by its version ${lacks.join('; ')}`,
    remedy: {
      user: 'Nothing need be done: Slipway does without, or says so when something asked for can not be had.',
      administrator: 'Linux 5.12 or newer has all that Slipway can use.',
    },
  };
}

function isBefore(version: Version, other: Version): boolean {
  return version[0] !== other[0] ? version[0] < other[0] : version[1] < other[1];
}
