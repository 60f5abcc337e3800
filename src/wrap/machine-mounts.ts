// SPDX-License-Identifier: Apache-2.0
// What a container shows of the machine.
import type { BoundPath } from './wrapper-plan.ts';

const alwaysMounted = ['/dev', '/proc', '/sys', '/tmp', '/etc/resolv.conf', '/etc/hosts', '/etc/passwd', '/etc/group'];

/** What a container sees of the machine: what every program needs, what the configuration names, and homes. */
export function mountsOfMachine(mountPoints: readonly string[], workdir: string): readonly BoundPath[] {
  const top = workdir.split('/')[1] ?? '';
  const isSystem = ['', 'bin', 'etc', 'lib', 'lib32', 'lib64', 'opt', 'root', 'run', 'sbin', 'usr', 'var'].includes(
    top,
  );
  const paths = [...alwaysMounted, '/home', ...(isSystem ? [] : [`/${top}`]), ...mountPoints];
  return [...new Set(paths)].map((path) => ({ source: path, target: path, readOnly: path.startsWith('/etc/') }));
}
