// SPDX-License-Identifier: Apache-2.0
// `slipway run`: the launcher asks for a plan when it has none that holds; this makes it.
import { planRun } from '../../launch/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { wallClockNs } from '../../sys/wall-clock.ts';
import { handOver } from '../terminal/hand-over.ts';
import type { PlanningContext } from '../terminal/planner.ts';
import { askRun, isRunHelpWanted } from './ask-run.ts';
import { run as description } from './descriptions/run.ts';
import { withDevices } from './with-devices.ts';

/**
 * Plans `slipway run …`: `words` are argv, `slipway` first. After --help no plan is written, and the launcher ends with
 * the status returned here.
 */
export async function planSlipwayRun(words: readonly string[], context: PlanningContext): Promise<number> {
  if (isRunHelpWanted(words)) {
    const { renderHelp } = await import('../../formats/getopt/index.ts');
    context.writeStdout(renderHelp(description, context.columns()));
    return 0;
  }
  const ready = await planRun((inputs) => withDevices(askRun(words, inputs), inputs), {
    ...context,
    nowNs: wallClockNs,
  });
  handOver(ready, context);
  return 0;
}

/** Without a launcher that waits for a plan there is nothing that could become the program. */
export async function run(): Promise<number> {
  throw new SlipwayError('launcher-missing', { command: description.name });
}
