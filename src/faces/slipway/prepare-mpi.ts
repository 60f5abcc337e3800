// SPDX-License-Identifier: Apache-2.0
// `slipway inject prepare-mpi DIR`: this machine's MPI as a directory that containers can be given: `lib64` with the
// libraries that programs are linked to, `lib64/dep` with what these need, found there by their run path, and `glibc`
// with the C library that all of it needs, for images with an older one.
import { basename, posix } from 'node:path';
import { findGlibc, findMpiLibraries } from '../../host/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { ensureDirectory } from '../../sys/files.ts';
import type { Inputs } from '../../sys/inputs.ts';
import { replaceLink } from '../../sys/replace-link.ts';
import { copyLibrary, patchElf } from './copy-library.ts';

/** Names by which programs that were built with any MPICH, or another of its ABI, ask for the C library of MPI. */
const abiNames = ['libmpi.so.12', 'libmpich.so.12'];

export type PreparedMpi = { readonly libraries: readonly string[]; readonly dependencies: readonly string[] };

/**
 * Fills `directory`. @throws SlipwayError `inject-missing` where this machine has no such MPI, or no patchelf.
 */
export async function prepareMpi(
  directory: string,
  family: 'mpich' | 'openmpi' | undefined,
  given: { readonly inputs: Inputs; readonly signal: AbortSignal },
): Promise<PreparedMpi> {
  const { inputs, signal } = given;
  const found = findMpiLibraries(inputs, family);
  if (found === undefined) {
    throw new SlipwayError('inject-missing', {
      what: 'MPI',
      reason: 'no library of MPICH or Open MPI is among those of this machine',
    });
  }
  const lib = posix.join(directory, 'lib64');
  const dep = posix.join(lib, 'dep');
  const glibc = posix.join(directory, 'glibc');
  for (const each of [directory, lib, dep, glibc]) await ensureDirectory(each, { mode: 0o755 });
  const own = findGlibc(inputs);
  const isGlibc = new Set(own.map((path) => basename(path)));
  for (const path of own) await copyLibrary(path, glibc);
  for (const path of found.libraries) {
    const copy = await copyLibrary(path, lib);
    await patchElf(copy, ['--set-rpath', '$ORIGIN/dep'], signal);
    const name = basename(path);
    if (!abiNames.includes(name)) continue;
    for (const other of abiNames) if (other !== name) await replaceLink(name, posix.join(lib, other));
  }
  const dependencies = found.dependencies.filter((path) => !isGlibc.has(basename(path)));
  for (const path of dependencies) await patchElf(await copyLibrary(path, dep), ['--set-rpath', '$ORIGIN'], signal);
  return { libraries: found.libraries, dependencies };
}

/** The lines of udiRoot.conf for a module that shows the directory. */
export function moduleLines(directory: string): string {
  return [
    `module_mpich_copyPath = ${directory}`,
    'module_mpich_siteEnvPrepend = LD_LIBRARY_PATH=/opt/udiImage/modules/mpich/lib64',
    'module_mpich_siteEnv = SHIFTER_MODULE_MPICH=1',
    '',
  ].join('\n');
}
