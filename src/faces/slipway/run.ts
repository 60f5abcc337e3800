// SPDX-License-Identifier: Apache-2.0
// `slipway run`: the launcher asks for a plan when it has none that holds; this makes it.
import { SlipwayError } from '../../model/index.ts';
import { handOver } from '../terminal/hand-over.ts';
import type { PlanningContext } from '../terminal/planner.ts';
import { isRunHelpWanted } from './ask-run.ts';
import { run as description } from './descriptions/run.ts';
import { planCommandLine } from './plan-command-line.ts';

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
  try {
    return await plan(words, context);
  } catch (error) {
    // A runtime wants 1 of a hook that failed; of a run it would be the program's.
    if (!(error instanceof SlipwayError) || error.exitStatus !== 1) throw error;
    const { errorText } = await import('../terminal/error-text.ts');
    context.writeStderr(errorText('slipway', error, (context.environment['SLIPWAY_DEBUG'] ?? '') !== ''));
    return 125;
  }
}

async function plan(words: readonly string[], context: PlanningContext): Promise<number> {
  const { ready } = await planCommandLine(words, context);
  handOver(ready, context);
  return 0;
}

/** Without a launcher that waits for a plan there is nothing that could become the program. */
export async function run(): Promise<number> {
  throw new SlipwayError('launcher-missing', { command: description.name });
}
