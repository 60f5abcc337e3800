// SPDX-License-Identifier: Apache-2.0
// What was asked for, done in an unpacked image: destinations first, then all files at once.
import { SlipwayError } from '../../../model/index.ts';
import { findProgram, systemSearchPath } from '../../../sys/process.ts';
import { runProgram } from '../../../sys/run-program.ts';
import type { CommandContext } from '../command.ts';
import { type CrayMpi, crayMpi } from './cray-mpi.ts';
import { fabricDirectory, hostDependencies } from './fabric.ts';
import { inject, type Injection } from './injection.ts';
import { isFabric, isLibrary, isProgram, isProvider } from './inference.ts';
import type { Asked, QueuedFile } from './read-words.ts';
import { type ImagePrograms, imagePrograms } from './run-in-image.ts';

type Context = CommandContext & { readonly root: string; readonly say: (text: string) => void };
type Placed = { readonly source: string; readonly destination: string; readonly isInferred: boolean };

const programDirectory = '/usr/bin';
const providerConfiguration = '/etc/ld.so.conf.d/ch-ofi.conf';

/** @throws SlipwayError `charliecloud-fromhost`; the image is then as it was. */
export async function carryOut(asked: Asked, context: Context): Promise<void> {
  const { root, say, environment } = context;
  const programs = imagePrograms(root, { ...context, isVerbose: asked.verbosity > 1 });
  if (asked.prints !== undefined) {
    const place =
      asked.prints === 'lib'
        ? await programs.libraryDirectory()
        : `${fabricDirectory(root, context)}${asked.prints === 'fi' ? '/libfabric' : ''}`;
    environment.stdout.write(`${place}\n`);
    return;
  }
  const cray = asked.craysMpi ? await crayMpi(root, programs, context) : undefined;
  const queued: readonly QueuedFile[] = [
    ...asked.files,
    ...(cray?.files ?? []).map((source) => ({ source, destination: undefined })),
    ...asked.files.flatMap((file) => neededBy(file, context)),
  ];
  const libraries = queued.filter(({ source }) => isLibrary(source));
  for (const { source } of libraries) say(`found shared library: ${source}`);
  const placed: Placed[] = [];
  for (const file of queued) placed.push(await place(file, programs, context));
  // Asked for also where no file goes there by inference, as ldconfig will be run.
  if (libraries.length > 0) await programs.libraryDirectory();

  say(`injecting into image: ${asked.image}`);
  for (const path of cray?.removed ?? []) say(`  rm -f ${root}${path}`);
  for (const path of cray?.directories ?? []) say(`  mkdir -p ${root}${path}`);
  for (const { source, destination, isInferred } of placed) {
    say(`  ${source} -> ${destination}${isInferred ? ' (inferred)' : ''}`);
  }
  const runsLdconfig = libraries.length > 0 && asked.runsLdconfig;
  const sayLdconfig = (): void => say(runsLdconfig ? 'running ldconfig' : 'not running ldconfig');
  if (asked.isDryRun) {
    sayLdconfig();
    return say('nothing was done: --dry-run');
  }
  await inject(root, { name: asked.image.replace(/\/+$/, ''), say }, async (injection) => {
    await apply(injection, { placed, cray, programs }, context);
    const ldconfig = { directories: runsLdconfig ? await programs.libraryDirectories() : [], run: programs.ldconfig };
    sayLdconfig();
    await injection.commit(runsLdconfig ? ldconfig : undefined);
  });
}

/** Where a file goes: where it was told, or by its path. */
async function place(file: QueuedFile, programs: ImagePrograms, context: Context): Promise<Placed> {
  const { source, destination } = file;
  if (destination !== undefined) {
    if (!destination.startsWith('/')) refuse(`not an absolute path: ${destination}`);
    return { source, destination, isInferred: false };
  }
  const inferred = isProvider(source)
    ? `${fabricDirectory(context.root, context)}/libfabric`
    : isFabric(source)
      ? fabricDirectory(context.root, context)
      : isProgram(source)
        ? programDirectory
        : isLibrary(source)
          ? await programs.libraryDirectory()
          : refuse(`no destination for: ${source}`);
  return { source, destination: inferred, isInferred: true };
}

/** What a libfabric of the host needs besides itself. */
function neededBy({ source, destination }: QueuedFile, context: Context): readonly QueuedFile[] {
  if (
    isProvider(source) &&
    destination === undefined &&
    context.environment.variables['FI_PROVIDER_PATH'] !== undefined
  ) {
    refuse("can't infer destination of a provider: FI_PROVIDER_PATH is set");
  }
  if (!isFabric(source)) return [];
  const system = /\/(?:ld-linux|lib(?:c|m|dl|rt|pthread|gcc_s|atomic))[-.]/;
  return hostDependencies(source, context)
    .filter((path) => !system.test(path))
    .map((path) => ({ source: path, destination: undefined }));
}

async function apply(
  injection: Injection,
  given: { readonly placed: readonly Placed[]; readonly cray: CrayMpi | undefined; readonly programs: ImagePrograms },
  context: Context,
): Promise<void> {
  const { placed, cray, programs } = given;
  for (const path of cray?.removed ?? []) injection.remove(path);
  for (const path of cray?.directories ?? []) injection.makeDirectory(path);
  for (const { source, destination, isInferred } of placed) {
    if (isProvider(source) && isInferred) injection.makeDirectory(destination);
    const isCrayMpich = cray?.kind === 'mpich' && source.endsWith('/libmpi.so.12');
    await injection.stage(
      source,
      destination,
      isCrayMpich ? (path) => shortenSoname(path, programs, context) : undefined,
    );
  }
  const providers = placed.filter(({ source }) => isProvider(source));
  if (providers.length > 0) {
    const directories = new Set(
      providers.flatMap(({ source }) =>
        hostDependencies(source, context).map((path) => path.slice(0, path.lastIndexOf('/'))),
      ),
    );
    injection.stageText([...directories].map((path) => `${path}\n`).join(''), providerConfiguration);
  }
  if (cray?.wlmFile !== undefined) await injection.stage(cray.wlmFile, '/etc/opt/cray/wlm_detect');
  if (cray?.kind === 'mpich') injection.link('libmpi.so.12', `${await programs.libraryDirectory()}/libmpi.so`);
}

/** Cray's library calls itself by a longer name than the image's programs do. */
async function shortenSoname(path: string, programs: ImagePrograms, { root, signal }: Context): Promise<void> {
  const own = await findProgram('patchelf', systemSearchPath);
  const words = ['--set-soname', 'libmpi.so.12'];
  const status =
    own === undefined
      ? (await programs.run(['patchelf', ...words, path.slice(root.length)], { isWritable: true })).status
      : (
          await runProgram({
            argv: [own, ...words, path],
            environment: { PATH: systemSearchPath },
            maxOutputBytes: 1 << 20,
            timeoutMs: 60_000,
            signal,
          })
        ).exitStatus;
  if (status !== 0) refuse('patchelf failed; install it on this machine or in the image');
}

function refuse(reason: string): never {
  throw new SlipwayError('charliecloud-fromhost', { reason });
}
