// SPDX-License-Identifier: Apache-2.0
// Docker's and podman's own storage, which only they can write.
import { SlipwayError } from '../../../model/index.ts';
import { type Child, findProgram, systemSearchPath, withChild } from '../../../sys/process.ts';
import type { CommandContext } from '../command.ts';

/** Variables that lead the engines to their storage, and no more. */
const passedOn =
  'HOME USER LOGNAME TMPDIR DOCKER_HOST DOCKER_CONFIG CONTAINERS_CONF CONTAINERS_STORAGE_CONF XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_DATA_HOME STORAGE_DRIVER STORAGE_OPTS http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY'.split(
    ' ',
  );

export type Engine = 'docker' | 'podman';

/** How Charliecloud's messages call what an engine keeps. */
export const storageOf: Readonly<Record<Engine, string>> = { docker: 'Docker storage', podman: 'Podman storage' };

export function isEngine(format: string): format is Engine {
  return format === 'docker' || format === 'podman';
}

/** The name by which an engine knows an image: with a tag. */
export function taggedName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1).includes(':') ? name : `${name}:latest`;
}

/** Gives an archive of an image to an engine. @throws SlipwayError `charliecloud-engine` */
export async function importArchive(engine: Engine, path: string, context: CommandContext): Promise<void> {
  await runEngine(engine, ['load', '--quiet', '--input', path], context);
}

/** Whether an engine has an image. @throws SlipwayError `charliecloud-engine` where it can't be asked */
export async function hasImage(engine: Engine, name: string, context: CommandContext): Promise<boolean> {
  const words = ['image', 'inspect', '--format', '{{.Id}}', taggedName(name)];
  const { status, stderrTail } = await startEngine(engine, words, context);
  if (status === 0) return true;
  // docker says the first, podman one of the others, as its release has it.
  if (/no such image|image not known|failed to find image/i.test(stderrTail)) return false;
  throw new SlipwayError('charliecloud-engine', { program: engine, reason: lastLine(stderrTail) });
}

/**
 * Runs `docker` or `podman`, as found on the caller's PATH.
 * @param stdout what becomes of what it says
 * @throws SlipwayError `charliecloud-engine`
 */
export async function runEngine(
  engine: Engine,
  words: readonly string[],
  context: CommandContext,
  stdout: 'ignore' | 'inherit' = 'ignore',
): Promise<void> {
  const end = await startEngine(engine, words, context, stdout);
  if (end.status === 0) return;
  throw new SlipwayError('charliecloud-engine', {
    program: engine,
    reason: `${words[0] ?? ''} ended with ${end.status ?? end.signalName ?? 'no status'}: ${lastLine(end.stderrTail)}`,
  });
}

/** Its program, by the caller's PATH; undefined where it is not installed. */
export async function locateEngine(engine: Engine, { environment }: CommandContext): Promise<string | undefined> {
  return await findProgram(engine, `${environment.variables['PATH'] ?? ''}:${systemSearchPath}`);
}

/** @throws SlipwayError `charliecloud-convert` where it is not installed */
export async function findEngine(engine: Engine, context: CommandContext): Promise<string> {
  const program = await locateEngine(engine, context);
  if (program !== undefined) return program;
  throw new SlipwayError('charliecloud-convert', { reason: `format ${engine} invalid: ${engine} not found` });
}

async function startEngine(
  engine: Engine,
  words: readonly string[],
  context: CommandContext,
  stdout: 'ignore' | 'inherit' = 'ignore',
): Promise<Awaited<Child['ended']>> {
  const { environment, signal } = context;
  const { variables, workingDirectory } = environment;
  const program = await findEngine(engine, context);
  const env = Object.fromEntries(
    passedOn.flatMap((name) => (variables[name] === undefined ? [] : [[name, variables[name]]])),
  );
  const { end } = await withChild(
    { argv: [program, ...words], env, directory: workingDirectory, stdout, signal },
    async ({ ended }) => await ended,
  );
  return end;
}

/** Engines tell the reason last. */
function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
