// SPDX-License-Identifier: Apache-2.0
// `sarus run`: the launcher asks for a plan when it has none that holds; this makes it.
import { planRun, readPerson, type ReadyPlan } from '../../launch/index.ts';
import { findCdiDevices, findSarusSite, parseCdiName } from '../../site/index.ts';
import { wallClockNs } from '../../sys/wall-clock.ts';
import { errorText, exitStatusOf } from '../terminal/error-text.ts';
import { handOver } from '../terminal/hand-over.ts';
import type { PlanningContext } from '../terminal/planner.ts';
import { askRun, readRun } from './ask-run.ts';
import { findSarusImage } from './find-image.ts';
import { repositoryOf } from './repositories.ts';
import { siteHooks } from './site-hooks.ts';

/** Plans `sarus [OPTION…] run …`; `words` are argv. Every failure ends with status 1. */
export async function planSarusRun(words: readonly string[], context: PlanningContext): Promise<number> {
  const said = new Set<string>();
  try {
    const ready = await planWords(words, context, (text) => said.add(text));
    for (const text of said) context.writeStderr(`sarus: ${text}\n`);
    handOver(ready, context);
    return 0;
  } catch (error) {
    context.writeStderr(errorText('sarus', error, words.includes('--debug')));
    return exitStatusOf(error) === 0 ? 0 : 1;
  }
}

/** The plan of `sarus [OPTION…] run …`. `say` is told what a person should know of it; it may be called more than once. */
export async function planWords(
  words: readonly string[],
  context: Pick<PlanningContext, 'environment' | 'cwd' | 'runDirectory' | 'signal'>,
  say: (text: string) => void,
): Promise<ReadyPlan> {
  const verb = words.indexOf('run');
  const line = readRun(words.slice(verb + 1));
  return await planRun(
    async (inputs) => {
      const site = findSarusSite(inputs);
      const { person } = readPerson(inputs);
      const isCentral = line.has('centralized-repository');
      const repository = repositoryOf(site, { isCentral, ...person });
      const found = findSarusImage(line.operands[0] ?? '', repository, inputs);
      const names = line.values('device').flatMap((value) => parseCdiName(value) ?? []);
      const devices = await findCdiDevices(names, inputs);
      return askRun(line, found, {
        words,
        verb,
        site,
        hooks: siteHooks(site, inputs),
        inputs,
        variableNames: Object.keys(context.environment),
        say,
        cdiDevices: () => devices,
      });
    },
    { ...context, nowNs: wallClockNs },
  );
}
