// SPDX-License-Identifier: Apache-2.0
// `slipway inject`: hook files for this machine.
import { basename, dirname, posix } from 'node:path';
import { findFabricProvider, findGlibc, findMpiLibraries, findSlurm } from '../../host/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { isCdiKind, parseHookFile } from '../../site/index.ts';
import { writeFileAtomic } from '../../sys/files.ts';
import { createInputs, type Inputs } from '../../sys/inputs.ts';
import { printable } from '../terminal/printable.ts';
import type { CommandContext } from './context.ts';
import { inject as description } from './descriptions/inject.ts';
import { cdiText, hookText, type HookTextOptions, mountHookText } from './hook-text.ts';
import { moduleLines, prepareMpi } from './prepare-mpi.ts';
import { prepareSshd } from './prepare-sshd.ts';
import { readCommandLine, usageError } from './read-command-line.ts';

type Line = ReturnType<typeof readLine>;

export async function run(argv: readonly string[], { environment, signal }: CommandContext): Promise<number> {
  const line = readLine(argv);
  const inputs = createInputs({ environment: environment.variables, cwd: environment.workingDirectory });
  if (line.operands[0] === 'prepare-mpi') return await prepare(line, inputs, { environment, signal });
  if (line.operands[0] === 'prepare-sshd') return await prepareServer(line, inputs, { environment, signal });
  const { text, notes } = make(line, inputs, dirname(environment.launcher));
  for (const note of notes) environment.stderr.write(`slipway inject: note: ${printable(note)}\n`);
  const output = line.value('output');
  if (output === undefined) environment.stdout.write(text);
  else await writeFileAtomic(posix.resolve(environment.workingDirectory, output), text, { mode: 0o644 });
  return 0;
}

/** `prepare-mpi DIR`: a directory of libraries, and what a site writes to show it as a module. */
async function prepare(
  line: Line,
  inputs: Inputs,
  { environment, signal }: Pick<CommandContext, 'environment' | 'signal'>,
): Promise<number> {
  const path = directoryOf(line, inputs);
  const { libraries, dependencies } = await prepareMpi(path, familyOf(line), { inputs, signal });
  const names = libraries.map((library) => basename(library)).join(', ');
  environment.stderr.write(
    `slipway inject: ${names} and ${dependencies.length} libraries that they need are in ${printable(path)}\n`,
  );
  environment.stdout.write(moduleLines(path));
  return 0;
}

/** `prepare-sshd DIR`: OpenSSH for containers, and what a site writes to show it in all of them. */
async function prepareServer(
  line: Line,
  inputs: Inputs,
  { environment, signal }: Pick<CommandContext, 'environment' | 'signal'>,
): Promise<number> {
  const path = directoryOf(line, inputs);
  const { programs, libraries } = await prepareSshd(path, { inputs, signal });
  environment.stderr.write(
    `slipway inject: ${programs.join(', ')} and ${libraries.length} libraries that they need are in ${printable(path)}\n`,
  );
  environment.stdout.write(`optUdiImage = ${path}\n`);
  return 0;
}

function directoryOf(line: Line, inputs: Inputs): string {
  const [what, directory] = line.operands;
  if (directory === undefined) throw usageError(description, `${what} needs the directory that is to be filled`);
  return inputs.absolute(directory);
}

function familyOf(line: Line): 'mpich' | 'openmpi' | undefined {
  const family = line.value('mpi');
  if (family === undefined || family === 'mpich' || family === 'openmpi') return family;
  throw usageError(description, `--mpi: "${family}" is neither mpich nor openmpi`);
}

function readLine(argv: readonly string[]) {
  return readCommandLine(description, argv);
}

function make(
  line: Line,
  inputs: Inputs,
  programs: string,
): { readonly text: string; readonly notes: readonly string[] } {
  const ldconfig = line.value('ldconfig') ?? '/sbin/ldconfig';
  const known = `LDCONFIG_PATH=${ldconfig}`;
  const options = (
    name: string,
    usual: readonly { readonly key: string; readonly value: string }[],
    env: readonly string[],
  ): HookTextOptions => {
    const given = line.options
      .filter((option) => option.name === 'annotation')
      .map(({ value }) => annotation(value ?? ''));
    return {
      program: line.value('hook') ?? posix.join(programs, name),
      annotations: given.length > 0 ? given : usual,
      env,
    };
  };
  const [what = '', file] = line.operands;
  if (file !== undefined && what !== 'cdi') throw usageError(description, `unexpected argument "${file}"`);
  switch (what) {
    case 'slurm': {
      const found = findSlurm(inputs) ?? fail('Slurm', 'its commands are in none of the usual directories');
      const text = mountHookText(
        found,
        options('mount_hook', [{ key: 'com.hooks.slurm.activate', value: 'true' }], [known]),
      );
      return { text, notes: found.notes };
    }
    case 'libfabric': {
      const provider = line.value('provider');
      if (provider === undefined) throw usageError(description, 'libfabric needs --provider=NAME');
      const found = findFabricProvider(provider, inputs);
      if (typeof found === 'string') return fail(`the provider ${provider}`, found);
      const text = mountHookText(
        found,
        options('mount_hook', [{ key: 'com.hooks.mpi.type', value: 'libfabric' }], [known]),
      );
      return { text, notes: found.notes };
    }
    case 'mpi': {
      const found =
        findMpiLibraries(inputs, familyOf(line)) ??
        fail('MPI', 'no library of MPICH or Open MPI is among those of this machine');
      const env = [
        known,
        `MPI_LIBS=${found.libraries.join(':')}`,
        `MPI_DEPENDENCY_LIBS=${found.dependencies.join(':')}`,
        'MPI_COMPATIBILITY_TYPE=major',
      ];
      return {
        text: hookText([], options('mpi_hook', [{ key: 'com.hooks.mpi.enabled', value: 'true' }], env)),
        notes: [],
      };
    }
    case 'glibc': {
      const libraries = findGlibc(inputs);
      if (libraries.length === 0) return fail('glibc', 'this machine has another C library');
      const env = [
        known,
        'LDD_PATH=/usr/bin/ldd',
        'READELF_PATH=/usr/bin/readelf',
        `GLIBC_LIBS=${libraries.join(':')}`,
      ];
      return {
        text: hookText([], options('glibc_hook', [{ key: 'com.hooks.glibc.enabled', value: 'true' }], env)),
        notes: [],
      };
    }
    case 'cdi': {
      if (file === undefined) throw usageError(description, 'cdi needs the hook file that is to be turned into one');
      const path = inputs.absolute(file);
      const refuse = (reason: string): never => {
        throw new SlipwayError('hook-file', { path, reason });
      };
      const text = inputs.readText(path) ?? refuse('there is no such file');
      const parsed = parseHookFile(text, { file: path, dialect: 'podman', refuse });
      const kind = line.value('kind') ?? `slipway.local/${className(basename(path, '.json'))}`;
      if (!isCdiKind(kind)) throw usageError(description, `--kind: "${kind}" is not VENDOR/CLASS`);
      return { text: cdiText(parsed, kind), notes: [] };
    }
    default:
      throw usageError(
        description,
        `"${what}" is none of slurm, libfabric, mpi, glibc, cdi, prepare-mpi, prepare-sshd`,
      );
  }
}

function annotation(text: string): { readonly key: string; readonly value: string } {
  const equals = text.indexOf('=');
  return equals < 0 ? { key: text, value: 'true' } : { key: text.slice(0, equals), value: text.slice(equals + 1) };
}

/** A file's name as a class: letters first, nothing odd. */
function className(name: string): string {
  return (
    name
      .replaceAll(/[^A-Za-z0-9_-]/g, '-')
      .replace(/^[^A-Za-z]+/, '')
      .replace(/[^A-Za-z0-9]+$/, '') || 'hook'
  );
}

function fail(what: string, reason: string): never {
  throw new SlipwayError('inject-missing', { what, reason });
}
