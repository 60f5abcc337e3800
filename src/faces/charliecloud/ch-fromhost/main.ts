// SPDX-License-Identifier: Apache-2.0
// `ch-fromhost`: files of this machine into an image.
import { resolve } from 'node:path';
import { renderHelp, renderUsage } from '../../../formats/getopt/index.ts';
import { describeError, hasCode, SlipwayError } from '../../../model/index.ts';
import { reasonOf } from '../../../sys/file-errors.ts';
import { readFileIfPresent, statFollowing } from '../../../sys/files.ts';
import { systemSearchPath } from '../../../sys/process.ts';
import { runProgram } from '../../../sys/run-program.ts';
import { build } from '../../terminal/build.ts';
import type { FaceEnvironment } from '../../terminal/environment.ts';
import { printable } from '../../terminal/printable.ts';
import { supervise } from '../../terminal/supervise.ts';
import type { CommandContext } from '../command.ts';
import { chFromhost } from './description.ts';
import { undo } from './injection.ts';
import { carryOut } from './carry-out.ts';
import { nvidiaFiles } from './nvidia.ts';
import { type Ending, readWords, type Sources } from './read-words.ts';
import { isSquashfsFile, withUnpacked } from './squashfs-image.ts';

const failure = 1;
const maxListBytes = 16 << 20;
const commandTimeoutMs = 600_000;

/** Runs `ch-fromhost` with the words after its name, and gives the exit status. Never rejects. */
export async function main(argv: readonly string[], environment: FaceEnvironment): Promise<number> {
  return await supervise('ch-fromhost', environment, async (signal) => {
    try {
      return await run(argv, { environment, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SlipwayError)) throw error;
      environment.stderr.write(`ch-fromhost: ${printable(describeError(error))}\n`);
      if (hasCode(error, 'charliecloud-fromhost-usage')) {
        environment.stderr.write(renderUsage(chFromhost, environment.stderr.size().columns));
      }
      return failure;
    }
  });
}

async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const { environment } = context;
  const asked = await readWords(argv, sourcesOf(context));
  if ('ending' in asked) return end(asked.ending, environment);
  const path = resolve(environment.workingDirectory, asked.image);
  const say = (text: string): void => {
    if (asked.verbosity >= 0) environment.stderr.write(`${printable(text)}\n`);
  };
  const work = async (root: string): Promise<void> => {
    if (!asked.isUndo) return await carryOut(asked, { ...context, root, say });
    if (asked.isDryRun) return say(`would take back the last injection into: ${asked.image}`);
    undo(root);
    return say(`taken back in image: ${asked.image}`);
  };
  const changes = !asked.isDryRun && asked.prints === undefined;
  if (await isSquashfsFile(path)) await withUnpacked(path, { ...context, changes }, work);
  else await work(path);
  return 0;
}

function sourcesOf(context: CommandContext): Sources {
  const { environment, signal } = context;
  const { workingDirectory, variables } = environment;
  return {
    output: async (command) => {
      const [program = '', ...words] = command.split(/\s+/).filter((word) => word !== '');
      const result = await runProgram({
        argv: [program, ...words],
        environment: { ...variables, PATH: variables['PATH'] ?? systemSearchPath },
        passesErrors: true,
        maxOutputBytes: maxListBytes,
        timeoutMs: commandTimeoutMs,
        signal,
      }).catch((cause: unknown) => refuse(`command failed: ${command}: ${messageOf(cause)}`));
      if (result.exitStatus !== 0) refuse(`command failed: ${command}`);
      return result.output.toString('utf8').split('\n');
    },
    lines: async (file) => {
      const path = resolve(workingDirectory, file);
      const unreadable = (reason: string): never => refuse(`cannot read file: ${file}: ${reason}`);
      const bytes = await readFileIfPresent(path, { maxBytes: maxListBytes }).catch((error: unknown) =>
        unreadable(error instanceof SlipwayError ? reasonOf(error.cause) : messageOf(error)),
      );
      if (bytes === undefined) return unreadable('no such file');
      return bytes.toString('utf8').split('\n');
    },
    nvidia: () => nvidiaFiles(context),
    variable: (name) => variables[name],
    refusal: async (image) => {
      const path = resolve(workingDirectory, image);
      const isImage = (await statFollowing(path))?.isDirectory() === true || (await isSquashfsFile(path));
      return isImage ? undefined : `image not a directory: ${image}`;
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function refuse(reason: string): never {
  throw new SlipwayError('charliecloud-fromhost', { reason });
}

function end(ending: Ending['ending'], environment: FaceEnvironment): number {
  if (ending === 'version') environment.stdout.write(`${build.version}\n`);
  else if (ending === 'help') environment.stdout.write(help(environment));
  else environment.stderr.write(help(environment));
  return ending === 'no-arguments' ? failure : 0;
}

function help({ stdout }: FaceEnvironment): string {
  return renderHelp(chFromhost, stdout.size().columns);
}
