// SPDX-License-Identifier: Apache-2.0
// `sarus explain run …`: the plan in words, each mount and variable with the file and line that asked for it.
import { SlipwayError } from '../../model/index.ts';
import { explainPlan } from '../../plan/index.ts';
import { planInWords } from '../terminal/plan-in-words.ts';
import type { SarusContext } from './context.ts';
import { explain as description } from './descriptions/commands.ts';
import { planWords } from './plan-run.ts';

export async function explain(words: readonly string[], { environment, signal }: SarusContext): Promise<number> {
  if (words[0] !== 'run') {
    const reason = 'what to explain is missing: run';
    throw new SlipwayError('sarus-usage', { command: description.name, reason, topic: 'explain' });
  }
  const said = new Set<string>();
  const { plan } = await planWords(
    ['sarus', ...words],
    {
      environment: environment.variables,
      cwd: environment.workingDirectory,
      // Nothing is written there: generated files are only named.
      runDirectory: '<private directory>',
      signal,
    },
    (text) => said.add(text),
  );
  for (const text of said) environment.stderr.write(`sarus: ${text}\n`);
  environment.stdout.write(planInWords(explainPlan(plan), plan.subject));
  return 0;
}
