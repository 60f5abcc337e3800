// SPDX-License-Identifier: Apache-2.0
// `slipway explain run …`: the plan in words.
import { planRun } from '../../launch/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { explainPlan } from '../../plan/index.ts';
import { wallClockNs } from '../../sys/wall-clock.ts';
import { planInWords } from '../terminal/plan-in-words.ts';
import { askRun } from './ask-run.ts';
import type { CommandContext } from './context.ts';
import { explain as description } from './descriptions/run.ts';
import { readCommandLine } from './read-command-line.ts';
import { withDevices } from './with-devices.ts';

export async function run(argv: readonly string[], { environment, signal }: CommandContext): Promise<number> {
  const { options, operands } = readCommandLine(description, argv);
  if (operands[0] !== 'run') {
    throw new SlipwayError('usage', { command: description.name, reason: 'what to explain is missing: run' });
  }
  const ready = await planRun((inputs) => withDevices(askRun(['slipway', ...operands], inputs), inputs), {
    environment: environment.variables,
    cwd: environment.workingDirectory,
    // Nothing is written there: generated files are only named.
    runDirectory: '<private directory>',
    nowNs: wallClockNs,
    signal,
  });
  environment.stdout.write(
    options.some(({ name }) => name === 'json')
      ? `${JSON.stringify(ready.plan, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value), 2)}\n`
      : planInWords(explainPlan(ready.plan), ready.plan.subject),
  );
  return 0;
}
