// SPDX-License-Identifier: Apache-2.0
// The files of NVIDIA's driver: what CDI's specifications mount, else what its older tool lists, else what is known by name.
import { machineLibraries } from '../../../host/index.ts';
import { SlipwayError } from '../../../model/index.ts';
import { readCdiRegistry } from '../../../site/index.ts';
import { createInputs, type Inputs } from '../../../sys/inputs.ts';
import { findProgram, systemSearchPath } from '../../../sys/process.ts';
import { runProgram } from '../../../sys/run-program.ts';
import type { CommandContext } from '../command.ts';

const tool = 'nvidia-container-cli';
const kind = 'nvidia.com/gpu';
const programs = [
  'nvidia-smi',
  'nvidia-debugdump',
  'nvidia-persistenced',
  'nvidia-cuda-mps-control',
  'nvidia-cuda-mps-server',
];
const library =
  /^lib(?:cuda|cudadebugger|nvcuvid|nvoptix|vdpau_nvidia|(?:EGL|GLX|GLESv1_CM|GLESv2)_nvidia|nvidia-[a-z0-9-]+)\.so/;

/** Paths on this machine. @throws SlipwayError `charliecloud-fromhost` where there is no such driver */
export async function nvidiaFiles(context: CommandContext): Promise<readonly string[]> {
  const { environment } = context;
  const inputs = createInputs({ environment: environment.variables, cwd: environment.workingDirectory });
  const found = (await specified(inputs)) ?? (await listed(context)) ?? (await known(inputs));
  if (found !== undefined) return found;
  const reason = `${tool} failed, no CDI specification is for ${kind}, and no driver was found; does this host have GPUs?`;
  throw new SlipwayError('charliecloud-fromhost', { reason });
}

async function listed({ environment, signal }: CommandContext): Promise<readonly string[] | undefined> {
  const { variables } = environment;
  const program = await findProgram(tool, `${variables['PATH'] ?? ''}:${systemSearchPath}`);
  if (program === undefined) return undefined;
  const { exitStatus, output } = await runProgram({
    argv: [program, 'list', '--binaries', '--libraries'],
    environment: { PATH: systemSearchPath },
    maxOutputBytes: 1 << 20,
    timeoutMs: 60_000,
    signal,
  });
  if (exitStatus !== 0) return undefined;
  return nonEmpty(output.toString('utf8').split('\n'));
}

async function specified(inputs: Inputs): Promise<readonly string[] | undefined> {
  const { directories } = await readCdiRegistry(inputs);
  const specs = directories.flatMap(({ specs: each }) => each).filter((spec) => spec.kind === kind);
  const edits = specs.flatMap((spec) => [spec.edits, ...spec.devices.map((device) => device.edits)]);
  const paths = edits.flatMap(({ mounts }) => mounts.map(({ hostPath }) => hostPath));
  // What is neither program nor library (sockets, firmware, configuration) is mounted by who runs a container.
  return nonEmpty(
    [...new Set(paths)].filter((path) => inputs.kindOf(path) === 'file' && /\/s?bin\/|\.so(?:\.|$)/.test(path)),
  );
}

async function known(inputs: Inputs): Promise<readonly string[] | undefined> {
  const { search } = machineLibraries(inputs);
  const libraries = search
    .cached()
    .filter(({ name, path }) => library.test(name) && !/lib32|i386/.test(path))
    .map(({ path }) => inputs.realPath(path) ?? path);
  if (libraries.length === 0) return undefined;
  const found = await Promise.all(programs.map(async (name) => await findProgram(name, systemSearchPath)));
  return nonEmpty([...found.filter((path) => path !== undefined), ...new Set(libraries)]);
}

function nonEmpty(lines: readonly string[]): readonly string[] | undefined {
  const some = lines.map((line) => line.trim()).filter((line) => line !== '');
  return some.length === 0 ? undefined : some;
}
