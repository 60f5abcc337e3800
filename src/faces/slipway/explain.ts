// SPDX-License-Identifier: Apache-2.0
// `slipway explain run …`: the plan in words.
import { planRun } from '../../launch/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { type ExplainedPlan, explainPlan } from '../../plan/index.ts';
import { wallClockNs } from '../../sys/wall-clock.ts';
import { printable } from '../terminal/printable.ts';
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
      : inWords(explainPlan(ready.plan), ready.plan.subject),
  );
  return 0;
}

function inWords(explained: ExplainedPlan, subject: string): string {
  const widest = Math.min(72, Math.max(...explained.steps.map(({ text }) => text.length)));
  const steps = explained.steps.map(({ text, origin }, index) => {
    const number = `${String(index + 1).padStart(3)}. `;
    const why = origin === '' ? '' : `  [${origin}]`;
    return `${number}${printable(text.padEnd(why === '' ? 0 : widest))}${printable(why)}`;
  });
  return [
    `Image ${printable(subject)}; for the command line: ${printable(explained.covers)}`,
    '',
    ...steps,
    '',
    'The plan is used again for as long as this stays the same:',
    ...explained.dependsOn.map((text) => `  ${printable(text)}`),
    '',
  ].join('\n');
}
