// SPDX-License-Identifier: Apache-2.0
// Where the launcher enters when it has no plan that holds. As little as possible is loaded: ranks wait for this.
import { readEntry } from './entry.ts';
import { planners } from './planners.ts';
import { currentDirectory } from './sys/current-directory.ts';

async function plan(): Promise<number> {
  const entry = readEntry(process.argv.slice(2));
  const face = entry.words[0] ?? '';
  const planner = planners[face];
  if (entry.planDescriptor === undefined || planner === undefined) throw new Error(`nothing to plan for "${face}"`);
  try {
    return await (
      await planner()
    )(entry.words, {
      environment: process.env,
      cwd: currentDirectory(),
      runDirectory: entry.runDirectory,
      launcher: entry.launcher,
      planDescriptor: entry.planDescriptor,
      writeStdout: (text) => process.stdout.write(text),
      writeStderr: (text) => process.stderr.write(text),
      columns: () => process.stdout.columns || 80,
      signal: new AbortController().signal,
    });
  } catch (error) {
    const { errorText, exitStatusOf } = await import('./faces/terminal/error-text.ts');
    process.stderr.write(errorText(face, error, (process.env['SLIPWAY_DEBUG'] ?? '') !== ''));
    return exitStatusOf(error);
  }
}

/** CommonJS knows no await outside a function. */
async function main(): Promise<void> {
  process.exitCode = await plan();
}

void main();
