// SPDX-License-Identifier: Apache-2.0
// This machine's MPI, as its loader would find it, with all it brings along.
import { basename } from 'node:path';
import type { Inputs } from '../../sys/inputs.ts';
import { machineLibraries } from '../libraries/index.ts';
import { dependenciesOf } from './injection.ts';

export type OwnMpi = {
  readonly libraries: readonly string[];
  /** What they need and an image may lack or have otherwise. */
  readonly dependencies: readonly string[];
};

/** C, C++ and Fortran interfaces of the MPICH family and of Open MPI; each family by itself. */
const families = [
  [/^libmpich?\.so\.\d+$/, /^libmpich?(?:cxx|fort|f90)\.so\.\d+$/],
  [/^libmpi\.so\.40$/, /^libmpi_(?:cxx|mpifh|usempif08|usempi_ignore_tkr)\.so\.\d+$/],
] as const;

/** The MPI of `family`, or of the first that is there. */
export function findMpiLibraries(inputs: Inputs, family?: 'mpich' | 'openmpi'): OwnMpi | undefined {
  const { search, tree } = machineLibraries(inputs);
  const chosen = family === undefined ? families : [family === 'mpich' ? families[0] : families[1]];
  for (const patterns of chosen) {
    const found = new Map<string, string>();
    for (const { name, path } of search.cached()) {
      const isOpenMpi = /^libmpi\.so\.40$/.test(name);
      if (patterns !== families[1] && isOpenMpi) continue;
      if (!patterns.some((pattern) => pattern.test(name)) || search.read(path) === undefined) continue;
      const real = tree.realPath(path) ?? path;
      // One file by several names is one library.
      if (!found.has(real)) found.set(real, path);
    }
    const libraries = [...found.values()].toSorted((a, b) => basename(a).localeCompare(basename(b)));
    if (libraries.length === 0) continue;
    const own = new Set(libraries.map((path) => tree.realPath(path)));
    const { files } = dependenciesOf(libraries, { search, tree, directory: '/lib' });
    const dependencies = files.map(({ source }) => source).filter((path) => !own.has(tree.realPath(path)));
    return { libraries, dependencies };
  }
  return undefined;
}
