// SPDX-License-Identifier: Apache-2.0
// Where the launcher enters when it has no plan that holds. As little as possible is loaded: ranks wait for this.
import { readEntry } from './entry.ts';
import { planSlipwayRun } from './faces/slipway/run.ts';
import { currentDirectory } from './sys/current-directory.ts';

async function plan(): Promise<number> {
  const entry = readEntry(process.argv.slice(2));
  if (entry.planDescriptor === undefined) throw new Error('no descriptor for a plan was given');
  try {
    return await planSlipwayRun(entry.words, {
      environment: process.env,
      cwd: currentDirectory(),
      runDirectory: entry.runDirectory,
      planDescriptor: entry.planDescriptor,
      writeStdout: (text) => process.stdout.write(text),
      columns: () => process.stdout.columns || 80,
      signal: new AbortController().signal,
    });
  } catch (error) {
    const { errorText, exitStatusOf } = await import('./faces/terminal/error-text.ts');
    process.stderr.write(errorText('slipway', error, (process.env['SLIPWAY_DEBUG'] ?? '') !== ''));
    return exitStatusOf(error);
  }
}

/** CommonJS knows no await outside a function. */
async function main(): Promise<void> {
  process.exitCode = await plan();
}

void main();
