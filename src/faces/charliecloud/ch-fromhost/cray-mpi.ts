// SPDX-License-Identifier: Apache-2.0
// --cray-mpi: Cray's MPICH, or an Open MPI of a Cray, in place of the one in the image.
import { SlipwayError } from '../../../model/index.ts';
import { isReadableFile, isThere, resolveInside } from '../../../sys/tree-edit.ts';
import type { CommandContext } from '../command.ts';
import { hostDependencies, imageLibraries } from './fabric.ts';
import type { ImagePrograms } from './run-in-image.ts';

export type CrayMpi = {
  readonly kind: 'mpich' | 'openmpi';
  readonly files: readonly string[];
  /** Guest paths that give way. */
  readonly removed: readonly string[];
  readonly directories: readonly string[];
  /** For jobs to find their workload manager. */
  readonly wlmFile: string | undefined;
};

const release = '/etc/opt/cray/release/cle-release';
const activeWlm = '/etc/opt/cray/wlm_detect/active_wlm';
const openmpiLibrary = /^lib(?:mpi|open-rte|open-pal)\.so/;

/** @throws SlipwayError `charliecloud-fromhost` for each thing that is missing */
export async function crayMpi(root: string, programs: ImagePrograms, context: CommandContext): Promise<CrayMpi> {
  if (!isThere(release)) refuse(`not found: ${release}: are you on a Cray?`);
  const { stdout } = await programs.run(['mpirun', '--version']);
  const common = {
    directories: ['/var/opt/cray/alps/spool', '/etc/opt/cray/wlm_detect', '/var/opt/cray/hugetlbfs'],
    wlmFile: isReadableFile(activeWlm) ? activeWlm : undefined,
  };
  if (/mpich/i.test(stdout)) return { ...common, ...(await mpich(programs, context)) };
  if (stdout.includes('Open MPI')) return { ...common, ...openmpi(root, context) };
  return refuse("can't find MPI in image");
}

type Parts = Pick<CrayMpi, 'kind' | 'files' | 'removed'>;

async function mpich(programs: ImagePrograms, context: CommandContext): Promise<Parts> {
  const directory = context.environment.variables['CRAY_MPICH_DIR'];
  if (directory === undefined) return refuse('CRAY_MPICH_DIR not set; is module cray-mpich-abi loaded?');
  const library = `${directory}/lib/libmpi.so.12`;
  if (!isReadableFile(library)) refuse(`not found: ${library}`);
  const alps = ['alps/default/lib64/libalpsutil.so.0.0.0', 'alps/default/lib64/libalpslli.so.0.0.0'];
  const extra = [...alps, 'wlm_detect/default/lib64/libwlm_detect.so.0.0.0'].map((path) => `/opt/cray/${path}`);
  const needed = hostDependencies(library, context).filter((path) => path.startsWith('/opt/'));
  const place = await programs.libraryDirectory();
  return {
    kind: 'mpich',
    files: [library, ...needed, ...extra.filter(isReadableFile)],
    removed: ['', '.12', '.12.1.1'].map((suffix) => `${place}/libmpi.so${suffix}`),
  };
}

function openmpi(root: string, context: CommandContext): Parts {
  const directory = context.environment.variables['MPIHOME'];
  if (directory === undefined) return refuse('MPIHOME not set; is an Open MPI module loaded?');
  const library = `${directory}/lib/libmpi.so`;
  if (!isReadableFile(library)) refuse(`not found: ${library}`);
  // What a link leads to, too: ldconfig would make the link again.
  const removed = imageLibraries(root, context)
    .cached()
    .filter(({ name }) => openmpiLibrary.test(name))
    .flatMap(({ path }) => [path, resolveInside(root, path)?.slice(root.length) ?? path]);
  if (removed.length === 0) refuse("can't find libmpi.so* in image");
  const needed = hostDependencies(library, context).filter((path) => /^\/(?:usr|opt)\//.test(path));
  return { kind: 'openmpi', files: [library, ...needed], removed: [...new Set(removed)] };
}

function refuse(reason: string): never {
  throw new SlipwayError('charliecloud-fromhost', { reason });
}
