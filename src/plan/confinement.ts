// SPDX-License-Identifier: Apache-2.0
// What each program is kept from: limits, capabilities, filters. These come last, when nothing is left that needs more.
import type { Isolation, Step } from '../model/index.ts';
import { fakeRootFilter } from './seccomp-fake-root.ts';

export function confinementSteps(isolation: Isolation): readonly Step[] {
  const { limits, umask, descriptors, capabilities, fakesRoot, discards } = isolation;
  return [
    ...limits.map((limit): Step => ({ step: 'limit', ...limit, origin: `--limit ${limit.resource}` })),
    ...(umask === undefined ? [] : [{ step: 'umask', mask: umask } as const]),
    ...(descriptors === undefined ? [] : [{ step: 'descriptors', keep: descriptors, origin: '--close-fds' } as const]),
    ...(capabilities === undefined
      ? []
      : [{ step: 'capabilities', keep: capabilities, origin: '--capabilities' } as const]),
    // Before the filter, which the kernel takes from an ordinary user only after this.
    { step: 'no-new-privileges' },
    ...(discards === undefined ? [] : [{ step: 'discard', descriptors: discards, origin: '--quiet' } as const]),
    ...(fakesRoot ? [{ step: 'seccomp', program: fakeRootFilter(), origin: '--fake-root' } as const] : []),
  ];
}
