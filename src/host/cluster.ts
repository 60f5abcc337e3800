// SPDX-License-Identifier: Apache-2.0
// What a cluster node has besides: control groups, a workload manager, munge. None of it is needed to run an image.
import type { Finding } from './finding.ts';
import type { HostReader } from './reader.ts';

export type ClusterFacts = {
  readonly cgroups: 'version 2' | 'version 1' | 'none';
  readonly slurmJob: string | undefined;
  readonly srun: string | undefined;
  readonly hasMungeSocket: boolean;
};

const cgroup2Magic = 0x63677270;

export async function readCluster(reader: HostReader): Promise<ClusterFacts> {
  const magic = (await reader.fileSystem('/sys/fs/cgroup'))?.magic;
  return {
    cgroups: magic === undefined ? 'none' : magic >>> 0 === cgroup2Magic ? 'version 2' : 'version 1',
    slurmJob: reader.environment['SLURM_JOB_ID'],
    srun: await reader.findProgram('srun', reader.environment['PATH'] ?? ''),
    hasMungeSocket: (await reader.status('/run/munge/munge.socket.2')) !== undefined,
  };
}

/** Ids `cgroups` and `workload-manager`. */
export function judgeCluster(facts: ClusterFacts): readonly Finding[] {
  const job = facts.slurmJob === undefined ? '' : `, in job ${facts.slurmJob}`;
  const slurm = facts.srun === undefined ? 'no Slurm here' : `Slurm (${facts.srun})${job}`;
  const workload: Finding =
    facts.srun !== undefined && !facts.hasMungeSocket
      ? {
          id: 'workload-manager',
          state: 'warning',
          what: 'workload manager',
          detail: `${slurm}; munged does not listen on /run/munge/munge.socket.2`,
          remedy: {
            user: 'Requests to an image gateway that checks munge will be refused from this node.',
            administrator: "Start munged on this node with the cluster's key.",
          },
        }
      : {
          id: 'workload-manager',
          state: 'ok',
          what: 'workload manager',
          detail: `${slurm}${facts.hasMungeSocket ? ', munge' : ''}`,
        };
  return [{ id: 'cgroups', state: 'ok', what: 'control groups', detail: facts.cgroups }, workload];
}
