// SPDX-License-Identifier: Apache-2.0
// What hooks are told of a container.
import type { ContainerIdentity } from '../../model/index.ts';
import type { Inputs } from '../../sys/inputs.ts';

/** Variables that resource managers and launchers of MPI give each rank its own value of. */
const ofRanks =
  /^(?:SLURM_(?:PROCID|LOCALID|NODEID|TASK_PID|GTIDS|TASKS_PER_NODE|CPU_BIND.*|SRUN_COMM_PORT|STEP_LAUNCHER_PORT|TOPOLOGY_ADDR)|SLURMD_.*|PMI_.*|PMIX_.*|OMPI_.*|MPI_.*|HYDI?_.*|HYDRA_.*|PALS_.*|FLUX_TASK_.*|OLDPWD|SHLVL|_)$/;

/** The variables become part of what the plan depends on, but for those that would make it useless to other ranks. */
export function identityOf(
  name: string,
  annotations: ReadonlyMap<string, string>,
  given: { readonly variableNames: readonly string[]; readonly inputs: Inputs },
): ContainerIdentity {
  const { variableNames, inputs } = given;
  const variables = variableNames.flatMap((each): readonly (readonly [string, string])[] => {
    const value = ofRanks.test(each) ? undefined : inputs.environment(each);
    return value === undefined ? [] : [[each, value]];
  });
  return {
    name,
    annotations: Object.fromEntries(annotations),
    environment: Object.fromEntries(variables),
  };
}
