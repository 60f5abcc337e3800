// SPDX-License-Identifier: Apache-2.0
// `slipway explain run …`: the plan in words; those of other families' commands too.
import type { ReadyPlan } from '../../launch/index.ts';
import { type Plan, SlipwayError } from '../../model/index.ts';
import { explainPlan } from '../../plan/index.ts';
import { planInWords } from '../terminal/plan-in-words.ts';
import type { CommandContext } from './context.ts';
import { explain as description } from './descriptions/run.ts';
import { readCommandLine } from './read-command-line.ts';
import { planCommandLine } from './plan-command-line.ts';

/** Commands of other families whose plans can be told; `run` is Slipway's own. */
const explained: ReadonlySet<string> = new Set(['sarus', 'ch-run', 'shifter']);

export async function run(argv: readonly string[], { environment, signal }: CommandContext): Promise<number> {
  const { options, operands } = readCommandLine(description, argv);
  const isJson = options.some(({ name }) => name === 'json');
  const show = ({ plan }: ReadyPlan): void => environment.stdout.write(isJson ? asJson(plan) : inWords(plan));
  const context = {
    environment: environment.variables,
    cwd: environment.workingDirectory,
    // Nothing is written there: generated files are only named.
    runDirectory: '<private directory>',
    signal,
  };
  const [word = ''] = operands;
  const plan = explained.has(word) ? await environment.plannerOf?.(word) : undefined;
  if (plan !== undefined) {
    const { launcher, stdout, stderr } = environment;
    const { columns } = stdout.size();
    return await plan(operands, {
      ...context,
      launcher,
      planDescriptor: -1,
      show,
      writeStdout: stdout.write,
      writeStderr: stderr.write,
      columns: () => columns,
    });
  }
  if (word !== 'run') {
    const reason = 'what to explain is missing: run, sarus run, ch-run or shifter';
    throw new SlipwayError('usage', { command: description.name, reason });
  }
  const { ready } = await planCommandLine(['slipway', ...operands], {
    ...context,
    writeStderr: environment.stderr.write,
  });
  show(ready);
  return 0;
}

function asJson(plan: Plan): string {
  return `${JSON.stringify(plan, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value), 2)}\n`;
}

function inWords(plan: Plan): string {
  return planInWords(explainPlan(plan), plan.subject);
}
