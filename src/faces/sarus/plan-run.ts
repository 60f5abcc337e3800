// SPDX-License-Identifier: Apache-2.0
// `sarus run`: the launcher asks for a plan when it has none that holds; this makes it.
import { keepPlan, planRun, readPerson, type ReadyPlan } from '../../launch/index.ts';
import { type Adaptation, SlipwayError } from '../../model/index.ts';
import { cdiDirectories, findSarusSite, parseCdiName, readCdiRegistry, resolveCdiDevices } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import { wallClockNs } from '../../sys/wall-clock.ts';
import { build } from '../terminal/build.ts';
import { errorText, exitStatusOf } from '../terminal/error-text.ts';
import type { PlanningContext } from '../terminal/planner.ts';
import { askRun, readRun } from './ask-run.ts';
import { findSarusImage } from './find-image.ts';
import { repositoryOf } from './repositories.ts';

/** Plans `sarus [OPTION…] run …`; `words` are argv. Every failure ends with status 1. */
export async function planSarusRun(words: readonly string[], context: PlanningContext): Promise<number> {
  const said = new Set<string>();
  try {
    const ready = await planWords(words, context, (text) => said.add(text));
    for (const text of said) context.writeStderr(`sarus: ${text}\n`);
    keepPlan(ready, {
      runDirectory: context.runDirectory,
      descriptor: context.planDescriptor,
      build: build.id,
      nowNs: wallClockNs(),
    });
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
      const devices = await cdiAdaptations(line.values('device'), inputs);
      return askRun(line, found, {
        words,
        verb,
        site,
        inputs,
        say,
        cdiDevices: () => devices,
      });
    },
    { ...context, nowNs: wallClockNs },
  );
}

async function cdiAdaptations(values: readonly string[], inputs: Inputs): Promise<readonly Adaptation[]> {
  const names = values.flatMap((value) => (value.startsWith('/') ? [] : (parseCdiName(value) ?? [])));
  if (names.length === 0) return [];
  const directories = (inputs.environment('CDI_SPEC_DIRS') ?? '').split(':').filter((path) => path.startsWith('/'));
  const registry = await readCdiRegistry(inputs, directories.length === 0 ? cdiDirectories : directories);
  const found = resolveCdiDevices(names, registry);
  for (const { origin, hooks } of found) {
    const [hook] = hooks;
    if (hook === undefined) continue;
    throw new SlipwayError('cdi-hook-unknown', { origin, hook: hook.args.join(' ') || hook.path });
  }
  return found;
}
