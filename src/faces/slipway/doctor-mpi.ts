// SPDX-License-Identifier: Apache-2.0
// `slipway doctor mpi IMAGE`: what would become of the image's MPI if the host's were to take its place.
import { basename } from 'node:path';
import {
  findGlibc,
  findGlibcReplacement,
  findMpiLibraries,
  type LibraryTree,
  machineTree,
  type MpiPair,
  planMpiReplacement,
} from '../../host/index.ts';
import { withImage } from '../../launch/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { createInputs, type Inputs } from '../../sys/inputs.ts';
import { printable } from '../terminal/printable.ts';
import type { CommandContext } from './context.ts';
import { userStorePath } from './store.ts';

/** Gives 0 where it can be replaced, and 1 where not. */
export async function doctorMpi(image: string, { environment }: CommandContext, isJson: boolean): Promise<number> {
  const inputs = createInputs({ environment: environment.variables, cwd: environment.workingDirectory });
  const judged = await withImage(image, { inputs, stores: [userStorePath(environment)] }, (opened) =>
    judge(opened, inputs),
  );
  const isPossible = judged.attempts.some(({ refusal }) => refusal === undefined);
  if (isJson) {
    environment.stdout.write(`${JSON.stringify({ image, isPossible, ...judged }, undefined, 2)}\n`);
    return isPossible ? 0 : 1;
  }
  const lines = [
    ...judged.attempts.flatMap(({ family, pairs, refusal }) => [
      `${family === 'mpich' ? 'MPICH' : 'Open MPI'} of this machine:`,
      ...pairs.map(pairLine),
      ...(refusal === undefined ? ['  yes: it can take the place of the image’s'] : [`  no: ${refusal}`]),
    ]),
    `C library: ${judged.glibc}`,
  ];
  for (const line of lines) environment.stdout.write(`${printable(line)}\n`);
  return isPossible ? 0 : 1;
}

type Attempt = {
  readonly family: 'mpich' | 'openmpi';
  readonly pairs: readonly MpiPair[];
  readonly refusal: string | undefined;
};

function judge(image: LibraryTree, inputs: Inputs): { readonly attempts: readonly Attempt[]; readonly glibc: string } {
  const host = machineTree(inputs);
  const attempts = (['mpich', 'openmpi'] as const).flatMap((family): readonly Attempt[] => {
    const own = findMpiLibraries(inputs, family);
    if (own === undefined) return [];
    const result = planMpiReplacement(image, host, { ...own, compatibility: 'major' });
    return [{ family, pairs: result.pairs, refusal: result.ok ? undefined : result.reason }];
  });
  if (attempts.length === 0) {
    throw new SlipwayError('inject-missing', {
      what: 'MPI',
      reason: 'no library of MPICH or Open MPI is known to its loader',
    });
  }
  const glibc = findGlibcReplacement(image, host, findGlibc(inputs));
  return {
    attempts,
    glibc:
      glibc.is === 'due'
        ? `the image's ${glibc.imageVersion} is older than the host's ${glibc.hostVersion}, and can be replaced by it (glibc hook)`
        : glibc.reason,
  };
}

function pairLine({ host, hostVersion, guest, isDependency, targets, note }: MpiPair): string {
  const name = basename(host);
  const version = hostVersion.numbers.join('.');
  if (guest === undefined)
    return `  ${name} (${version}): ${isDependency ? 'brought along' : 'added'}, as ${targets[0] ?? ''}`;
  const verb = targets.includes(guest.realPath) ? 'takes the place of' : 'stands beside';
  const about = note === undefined ? '' : `; ${note}`;
  return `  ${name} (${version}): ${verb} ${guest.realPath} (${guest.version.numbers.join('.')})${about}`;
}
