// SPDX-License-Identifier: Apache-2.0
// The `sarus` command, except for run, which ends in a program of a container. Every failure ends with status 1.
import { renderHelp } from '../../formats/getopt/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { build } from '../terminal/build.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';
import { supervise } from '../terminal/supervise.ts';
import { overview, sarusCommands } from './command-tree.ts';
import { createContext, type SarusContext } from './context.ts';

type Work = (words: readonly string[], context: SarusContext) => number | Promise<number>;

const commands: Readonly<Record<string, () => Promise<Work>>> = {
  'explain': async () => (await import('./explain.ts')).explain,
  'hooks': async () => (await import('./hooks.ts')).hooks,
  'images': async () => (await import('./images.ts')).images,
  'load': async () => (await import('./pull.ts')).load,
  'pull': async () => (await import('./pull.ts')).pull,
  'rmi': async () => (await import('./images.ts')).rmi,
  'run': () => Promise.reject(new SlipwayError('launcher-missing', { command: 'sarus run' })),
  'ssh-keygen': async () => (await import('./ssh-keygen.ts')).sshKeygen,
  'version': () =>
    Promise.resolve((_, { environment }) => {
      environment.stdout.write(versionText);
      return 0;
    }),
};

const versionText = `${build.version}\n`;

/** Runs `sarus` with the words after its name, and gives the exit status. Never rejects. */
export async function main(words: readonly string[], environment: FaceEnvironment): Promise<number> {
  const status = await supervise('sarus', environment, (signal) => dispatch(words, environment, signal));
  // Statuses of signals stay; Sarus knows no other failure than 1.
  return status > 1 && status < 128 ? 1 : status;
}

async function dispatch(words: readonly string[], environment: FaceEnvironment, signal: AbortSignal): Promise<number> {
  const rest = words.filter((word, index) => index > firstCommand(words) || !isQuietOption(word));
  const [word, ...others] = rest;
  const { stdout } = environment;
  const columns = stdout.size().columns;
  if (word === '--version' || word === '-v') {
    stdout.write(versionText);
    return 0;
  }
  if (word === undefined || word === '--help' || word === '-h' || (word === 'help' && others.length === 0)) {
    stdout.write(renderHelp(overview, columns));
    return 0;
  }
  const name = word === 'help' ? (others[0] ?? '') : word;
  const description = Object.hasOwn(sarusCommands, name) ? sarusCommands[name] : undefined;
  if (description === undefined) {
    throw new SlipwayError('sarus-usage', { command: 'sarus', topic: '', reason: `"${name}" is no command of sarus` });
  }
  const load = commands[name];
  if (word === 'help' || load === undefined) {
    stdout.write(renderHelp(description, columns));
    return 0;
  }
  return await (
    await load()
  )(others, createContext(environment, signal));
}

/** The index of the first word that is no option. */
function firstCommand(words: readonly string[]): number {
  const at = words.findIndex((word) => !word.startsWith('-'));
  return at < 0 ? words.length : at;
}

function isQuietOption(word: string): boolean {
  return word === '--debug' || word === '--verbose';
}
