// SPDX-License-Identifier: Apache-2.0
// The MPI hook: the host's libraries in the place of the image's.
import { posix } from 'node:path';
import { machineTree, type MpiCompatibility, planMpiReplacement } from '../../host/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { bind, type HookContext, type HookEffects, type HookSettings, pathsIn } from './settings.ts';

/** @throws SlipwayError `hook-setting` */
export function mpiEffects(settings: HookSettings, { image, inputs, say }: HookContext): HookEffects {
  const origin = settings.origin('MPI_LIBS');
  const libraries = pathsIn(settings, 'MPI_LIBS');
  if (libraries.length === 0)
    throw new SlipwayError('hook-setting', { hook: settings.subject, reason: 'MPI_LIBS is missing' });
  const result = planMpiReplacement(image, machineTree(inputs), {
    libraries,
    dependencies: pathsIn(settings, 'MPI_DEPENDENCY_LIBS'),
    compatibility: compatibilityOf(settings.value('MPI_COMPATIBILITY_TYPE')),
  });
  if (!result.ok) throw new SlipwayError('hook-setting', { hook: settings.subject, reason: result.reason });
  for (const { host, note, isDependency } of result.pairs) {
    if (note !== undefined && !isDependency) say(`${posix.basename(host)}: ${note}`, 1);
  }
  const mounts = result.pairs.flatMap(({ host, targets }) => targets.map((target) => bind(host, target)));
  return {
    adaptations: [
      { origin, mounts, environment: [] },
      {
        origin: settings.origin('BIND_MOUNTS'),
        mounts: pathsIn(settings, 'BIND_MOUNTS').map((path) => bind(path, path)),
        environment: [],
      },
    ],
    needsLibraryCache: true,
  };
}

function compatibilityOf(text: string | undefined): MpiCompatibility {
  return text === 'full' || text === 'strict' ? text : 'major';
}
