// SPDX-License-Identifier: Apache-2.0
// A module's libraries may need a newer C library than an image has. A module that brings one, in `glibc` below its
// copyPath (slipway inject prepare-mpi lays it out), has it put over an older one of the image: glibc runs what was built
// for its earlier versions.
import { findGlibcReplacement, type LibraryTree, machineTree } from '../../host/index.ts';
import type { Adaptation } from '../../model/index.ts';
import type { ShifterModule } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';

export function glibcAdaptations(
  modules: readonly ShifterModule[],
  image: LibraryTree,
  inputs: Inputs,
): readonly Adaptation[] {
  for (const { name, copyPath } of modules) {
    const directory = `${copyPath ?? ''}/glibc`;
    const names = copyPath === undefined ? undefined : inputs.listDirectory(directory);
    if (names === undefined || names.length === 0) continue;
    const libraries = names.map((file) => `${directory}/${file}`);
    const found = findGlibcReplacement(image, machineTree(inputs), libraries);
    if (found.is !== 'due') continue;
    const flags = { readOnly: true, nosuid: true, nodev: true };
    // One C library is enough, and two would be wrong.
    return [
      {
        origin: `module ${name}: the image's glibc ${found.imageVersion} is older than ${found.hostVersion}`,
        mounts: found.mounts.map(({ source, target }) => ({ kind: 'bind', source, target, flags })),
        environment: [],
      },
    ];
  }
  return [];
}
