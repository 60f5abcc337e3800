// SPDX-License-Identifier: Apache-2.0
// Docker's and podman's own storage, which only they can write.
import { SlipwayError } from '../../../model/index.ts';
import { findProgram, systemSearchPath, withChild } from '../../../sys/process.ts';
import type { CommandContext } from '../command.ts';

/** Variables that lead the engines to their storage, and no more. */
const passedOn =
  'HOME USER LOGNAME TMPDIR DOCKER_HOST DOCKER_CONFIG CONTAINERS_CONF CONTAINERS_STORAGE_CONF XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_HOME STORAGE_DRIVER STORAGE_OPTS http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY'.split(
    ' ',
  );

/** Gives an archive of an image to an engine. @throws SlipwayError `charliecloud-engine` */
export async function importArchive(engine: 'docker' | 'podman', path: string, context: CommandContext): Promise<void> {
  await runEngine(engine, ['load', '--quiet', '--input', path], context);
}

/** Runs `docker` or `podman`, as found on the caller's PATH. @throws SlipwayError `charliecloud-engine` */
export async function runEngine(
  engine: 'docker' | 'podman',
  words: readonly string[],
  { environment, signal }: CommandContext,
): Promise<void> {
  const { variables, workingDirectory } = environment;
  const program = await findProgram(engine, `${variables['PATH'] ?? ''}:${systemSearchPath}`);
  if (program === undefined) throw new SlipwayError('charliecloud-engine', { program: engine, reason: 'not found' });
  const env = Object.fromEntries(
    passedOn.flatMap((name) => (variables[name] === undefined ? [] : [[name, variables[name]]])),
  );
  const { end } = await withChild(
    { argv: [program, ...words], env, directory: workingDirectory, signal },
    async ({ ended }) => await ended,
  );
  if (end.status === 0) return;
  throw new SlipwayError('charliecloud-engine', {
    program: engine,
    reason: `${words[0] ?? ''} ended with ${end.status ?? end.signalName ?? 'no status'}: ${end.stderrTail}`,
  });
}
