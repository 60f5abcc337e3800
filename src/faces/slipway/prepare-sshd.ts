// SPDX-License-Identifier: Apache-2.0
// `slipway inject prepare-sshd DIR`: this machine's OpenSSH as a directory that containers are shown at /opt/udiImage
// (optUdiImage of udiRoot.conf). Each program brings its loader and libraries, so that it runs in any image, also in one
// with another C library or with none.
import { basename, posix } from 'node:path';
import { findGlibc, machineLibraries, resolveLibraries } from '../../host/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { ensureDirectory } from '../../sys/files.ts';
import type { Inputs } from '../../sys/inputs.ts';
import { copyLibrary, patchElf } from './copy-library.ts';

const shownAt = '/opt/udiImage';

/** The directory in DIR, the program, and whether there is no server without it. */
const programs = [
  { directory: 'sbin', name: 'sshd', isNeeded: true },
  { directory: 'bin', name: 'ssh', isNeeded: true },
  { directory: 'bin', name: 'ssh-keygen', isNeeded: false },
  { directory: 'bin', name: 'scp', isNeeded: false },
  { directory: 'bin', name: 'sftp', isNeeded: false },
] as const;

const places = ['/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin'];

/**
 * Fills `directory`, and gives what it has put there.
 * @throws SlipwayError `inject-missing` where this machine has no OpenSSH, no glibc or no patchelf.
 */
export async function prepareSshd(
  directory: string,
  given: { readonly inputs: Inputs; readonly signal: AbortSignal },
): Promise<{ readonly programs: readonly string[]; readonly libraries: readonly string[] }> {
  const { inputs, signal } = given;
  const [loader, ...glibc] = findGlibc(inputs);
  if (loader === undefined) throw missing('glibc', 'this machine has another C library');
  const found = programs.flatMap(({ directory: place, name, isNeeded }) => {
    const path = places.map((each) => `${each}/${name}`).find((each) => inputs.kindOf(each) === 'file');
    if (path === undefined && isNeeded) throw missing(name, `it is in none of ${places.join(', ')}; install OpenSSH`);
    return path === undefined ? [] : [{ place, path }];
  });
  const lib = posix.join(directory, 'lib');
  for (const each of [directory, lib, ...['bin', 'sbin'].map((name) => posix.join(directory, name))])
    await ensureDirectory(each, { mode: 0o755 });
  const { search } = machineLibraries(inputs);
  const closure = resolveLibraries(
    search,
    found.map(({ path }) => path),
  );
  const [absent] = closure.missing;
  if (absent !== undefined) throw missing(absent.name, `${absent.neededBy ?? 'a program'} needs it`);
  // Of the C library all: its name service loads parts when it runs.
  const libraries = new Map(glibc.map((path) => [basename(path), path]));
  for (const { path, name } of closure.libraries)
    if (!found.some((program) => program.path === path)) libraries.set(basename(name), path);
  libraries.delete(basename(loader));
  await copyLibrary(loader, lib);
  for (const path of libraries.values()) {
    const copy = await copyLibrary(path, lib);
    // DT_RPATH: a module's LD_LIBRARY_PATH must not lead these to an image's libraries.
    if (!glibc.includes(path)) await patchElf(copy, ['--force-rpath', '--set-rpath', '$ORIGIN'], signal);
  }
  for (const { place, path } of found) {
    const copy = await copyLibrary(path, posix.join(directory, place));
    const words = ['--set-interpreter', `${shownAt}/lib/${basename(loader)}`, '--force-rpath', '--set-rpath'];
    await patchElf(copy, [...words, `${shownAt}/lib`], signal);
  }
  return { programs: found.map(({ path }) => basename(path)), libraries: [...libraries.keys()] };
}

function missing(what: string, reason: string): SlipwayError {
  return new SlipwayError('inject-missing', { what, reason });
}
