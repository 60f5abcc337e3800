// SPDX-License-Identifier: Apache-2.0
// What every container shows of the host.
import type { MountRequest } from '../../../model/index.ts';

/** Without these a container does not start. */
const required = ['/dev', '/proc', '/sys'];
const ifThere = ['/etc/hosts', '/etc/machine-id', '/etc/resolv.conf'];

/** Of Cray's systems, shown where both the host and the image have them; the target where it differs. */
const cray: readonly (readonly [source: string, target?: string])[] = [
  ['/var/lib/hugetlbfs', '/var/opt/cray/hugetlbfs'],
  ['/var/lib/hugetlbfs'],
  ['/etc/opt/cray/wlm_detect'],
  ['/opt/cray/wlm_detect'],
  ['/opt/cray/alps'],
  ['/opt/cray/udreg'],
  ['/opt/cray/ugni'],
  ['/opt/cray/xpmem'],
  ['/var/opt/cray/alps'],
  ['/var/opt/cray/alps/spool'],
  ['/var/spool/slurmd'],
];

/** A mount of a face's own, all that is mounted below the source with it. */
export type Bind = Extract<MountRequest, { readonly kind: 'bind' }>;

export function defaultBinds(): readonly Bind[] {
  return [
    ...required.map((path) => bind(path, path)),
    ...ifThere.map((path) => optionalBind(path, path)),
    ...cray.map(([source, target]) => optionalBind(source, target ?? source)),
  ];
}

export function bind(source: string, target: string): Bind {
  return { kind: 'bind', source, target, flags: { recursive: true } };
}

function optionalBind(source: string, target: string): Bind {
  return { kind: 'bind', source, target, flags: { recursive: true, optional: true } };
}
