// SPDX-License-Identifier: Apache-2.0
// What a container shows of the host unless it is told otherwise.
import type { Adaptation, MountRequest, RunRequest } from '../model/index.ts';
import type { HostFacts } from './facts.ts';

export function defaultAdaptations(request: RunRequest, host: Pick<HostFacts, 'home'>): readonly Adaptation[] {
  if (request.conventions !== undefined) return [];
  const named = (origin: string, mounts: readonly MountRequest[]): Adaptation => ({ origin, mounts, environment: [] });
  return [
    named('default: devices, processes, kernel', ['/dev', '/proc', '/sys'].map(tree)),
    named(
      'default: names of hosts',
      ['/etc/resolv.conf', '/etc/hosts'].map((path) => fileIfThere(path, path)),
    ),
    ...(request.isolation.privateTmp ? [] : [named('default: temporary files', [tree('/tmp')])]),
    ...(request.home && host.home !== '/'
      ? [named('default: your home directory (--no-home leaves it out)', [tree(host.home)])]
      : []),
  ];
}

/** A file of the host over one of the image, read-only, where both are. */
function fileIfThere(source: string, target: string): MountRequest {
  return { kind: 'bind', source, target, flags: { readOnly: true, optional: true } };
}

function tree(path: string): MountRequest {
  return { kind: 'bind', source: path, target: path, flags: { recursive: true } };
}
