// SPDX-License-Identifier: Apache-2.0
// `ch-run`: the launcher asks for a plan when it has none that holds; this makes it.
import { hasCode } from '../../../model/index.ts';
import { planRun } from '../../../launch/index.ts';
import { findCdiWishes } from '../../../site/index.ts';
import { createInputs } from '../../../sys/inputs.ts';
import { parentProcess } from '../../../sys/process-identity.ts';
import { wallClockNs } from '../../../sys/wall-clock.ts';
import { build } from '../../terminal/build.ts';
import { handOver } from '../../terminal/hand-over.ts';
import type { PlanningContext } from '../../terminal/planner.ts';
import { createSpeaker, type Level, repeatedWarnings } from '../messages.ts';
import { askChRun } from './ask.ts';
import { type Ending, readCommandLine } from './options.ts';

const ownFailure = 1;
const usageFailure = 64;

/** Plans `ch-run …`: `words` are argv. Gives the status of what ends without a command. */
export async function planChRun(words: readonly string[], context: PlanningContext): Promise<number> {
  const program = words[0] ?? 'ch-run';
  const pid = parentProcess();
  let lines: { readonly level: Level; readonly text: string }[] = [];
  const speaker = createSpeaker(program, pid, (level, text) => lines.push({ level, text }));
  const warnings = (): readonly string[] => lines.filter(({ level }) => level === 'warning').map(({ text }) => text);
  const tell = (): void => {
    for (const { text } of lines) context.writeStderr(text);
  };
  const tellAtEnd = (): void => {
    tell();
    for (const text of repeatedWarnings(program, pid, warnings())) context.writeStderr(text);
  };
  try {
    const first = readCommandLine(words, createInputs(context), speaker);
    if ('ending' in first) {
      tellAtEnd();
      return await end(first.ending, context);
    }
    const ready = await planRun(
      async (inputs) => {
        // A file that changes while it is read is read again, and all is said once.
        lines = [];
        const line = readCommandLine(words, inputs, speaker);
        if ('ending' in line) throw new Error('a command line ends without a command only now');
        const wishes = line.environment.flatMap((option) => (option.kind === 'devices' ? [option.wish] : []));
        const paths = line.specificationPaths;
        const devices = await findCdiWishes(wishes, inputs, paths.length === 0 ? undefined : paths);
        const asked = askChRun(line, {
          inputs,
          devices,
          speaker,
          variables: context.environment,
          chSsh: besideLauncher(context.launcher, 'ch-ssh'),
        });
        // What is said must be said each time.
        return warnings().length > 0 ? { ...asked, isForOnce: true } : asked;
      },
      { ...context, nowNs: wallClockNs },
    );
    handOver(ready, context);
    tell();
    return 0;
  } catch (error) {
    if (hasCode(error, 'charliecloud-usage')) {
      context.writeStderr(
        `${program}: ${error.message}\nTry \`${program} --help' or \`${program} --usage' for more information.\n`,
      );
      return usageFailure;
    }
    speaker.fail(error);
    tellAtEnd();
    return ownFailure;
  }
}

/** A program of the installation. */
function besideLauncher(launcher: string, name: string): string {
  return `${launcher.slice(0, launcher.lastIndexOf('/'))}/${name}`;
}

async function end(ending: Ending['ending'], context: PlanningContext): Promise<number> {
  if (ending === 'done') return 0;
  if (ending === 'version') {
    context.writeStdout(`${build.version}\n`);
    return 0;
  }
  if (ending === 'usage') {
    const { renderChRunUsage } = await import('./usage.ts');
    context.writeStdout(renderChRunUsage(context.columns()));
    return 0;
  }
  const { renderHelp } = await import('../../../formats/getopt/index.ts');
  const { chRun } = await import('./description.ts');
  if (ending === 'help') context.writeStdout(renderHelp(chRun, context.columns()));
  else context.writeStderr(renderHelp(chRun, context.columns()));
  return ending === 'no-arguments' ? ownFailure : 0;
}
