// SPDX-License-Identifier: Apache-2.0
// The whole examination, in the order in which things matter.
import { judgeCluster, readCluster } from './cluster.ts';
import type { Finding } from './finding.ts';
import { judgeFuseDevice, judgeSquashfuse, readFuseDevice, readSquashfuse } from './fuse.ts';
import { judgeKernel, readKernel } from './kernel.ts';
import { judgeKernelSquashfs, readKernelSquashfs } from './kernel-squashfs.ts';
import type { HostReader } from './reader.ts';
import { judgeLimits, judgeRuntimeDirectory, readLimits, readRuntimeDirectory } from './session.ts';
import { judgeRoom, readDirectory } from './storage.ts';
import { judgeUserNamespaces, readUserNamespaces } from './user-namespaces.ts';

export type Examination = {
  readonly reader: HostReader;
  /** Where images are kept; need not exist yet. */
  readonly storeDirectory: string;
  /** A program that makes user and mount namespaces; see `readUserNamespaces`. */
  readonly namespaceAttempt?: readonly [string, ...string[]];
};

/** Looks at a machine and says what is there, what is limited and what is missing. Never fails for what is missing. */
export async function examineHost(examination: Examination): Promise<readonly Finding[]> {
  const { reader, storeDirectory } = examination;
  const temporary = reader.environment['TMPDIR'];
  const temporaryDirectory = temporary?.startsWith('/') === true ? temporary : '/tmp';
  const store = { id: 'store', what: 'image store', variable: 'SLIPWAY_STORE' } as const;
  const scratch = { id: 'temporary-files', what: 'temporary files', variable: 'TMPDIR' } as const;
  return [
    judgeKernel(readKernel(reader)),
    judgeUserNamespaces(await readUserNamespaces(reader, examination.namespaceAttempt)),
    judgeFuseDevice(await readFuseDevice(reader)),
    judgeSquashfuse(await readSquashfuse(reader)),
    judgeKernelSquashfs(await readKernelSquashfs(reader)),
    judgeRoom(await readDirectory(reader, storeDirectory), store),
    judgeRoom(await readDirectory(reader, temporaryDirectory), scratch),
    judgeRuntimeDirectory(await readRuntimeDirectory(reader)),
    judgeLimits(await readLimits(reader)),
    ...judgeCluster(await readCluster(reader)),
  ];
}
