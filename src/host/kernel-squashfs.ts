// SPDX-License-Identifier: Apache-2.0
// The kernel's own squashfs by a loop device: what root's mounts for a job use (Slurm prolog, setupRoot). Users do
// without.
import type { Finding } from './finding.ts';
import type { HostReader } from './reader.ts';

export type KernelSquashfsFacts = {
  readonly fileSystem: 'loaded' | 'module' | 'absent';
  readonly hasLoopDevices: boolean;
};

export async function readKernelSquashfs(reader: HostReader): Promise<KernelSquashfsFacts> {
  const loaded = /^\s*squashfs$/m.test((await reader.readText('/proc/filesystems')) ?? '');
  const modules = await reader.readText(`/lib/modules/${reader.kernel.release}/modules.dep`);
  return {
    fileSystem: loaded ? 'loaded' : /\/squashfs\.ko/.test(modules ?? '') ? 'module' : 'absent',
    hasLoopDevices: (await reader.status('/dev/loop-control'))?.kind === 'character-device',
  };
}

/** Id `kernel-squashfs`. */
export function judgeKernelSquashfs(facts: KernelSquashfsFacts): Finding {
  const id = 'kernel-squashfs';
  const what = 'kernel squashfs';
  const lacks = [
    ...(facts.fileSystem === 'absent' ? ['the kernel has no squashfs'] : []),
    ...(facts.hasLoopDevices ? [] : ['there is no /dev/loop-control']),
  ];
  if (lacks.length === 0) {
    const how = facts.fileSystem === 'loaded' ? 'loaded' : 'a module, loaded on first use';
    return { id, state: 'ok', what, detail: `${how}, with loop devices` };
  }
  return {
    id,
    state: 'warning',
    what,
    detail: `${lacks.join(', ')}: root can not mount images for jobs`,
    remedy: {
      user: 'Nothing need be done: users mount by FUSE.',
      administrator: 'If jobs are to find images mounted by root, load the modules squashfs and loop.',
    },
  };
}
