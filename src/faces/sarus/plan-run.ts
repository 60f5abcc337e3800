// SPDX-License-Identifier: Apache-2.0
// `sarus run`: the launcher asks for a plan when it has none that holds; this makes it.
import { keepPlan, planRun, readPerson } from '../../launch/index.ts';
import type { Adaptation } from '../../model/index.ts';
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
  const verb = words.indexOf('run');
  const said = new Set<string>();
  try {
    const line = readRun(words.slice(verb + 1));
    const ready = await planRun(
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
          say: (text) => said.add(text),
          cdiDevices: () => devices,
        });
      },
      { ...context, nowNs: wallClockNs },
    );
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

async function cdiAdaptations(values: readonly string[], inputs: Inputs): Promise<readonly Adaptation[]> {
  const names = values.flatMap((value) => (value.startsWith('/') ? [] : (parseCdiName(value) ?? [])));
  return names.length === 0 ? [] : resolveCdiDevices(names, await readCdiRegistry(inputs, cdiDirectories));
}
