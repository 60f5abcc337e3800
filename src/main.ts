// SPDX-License-Identifier: Apache-2.0
// Where the launcher enters: `main.mjs --launcher=PATH --run-dir=DIR [--plan-fd=N] -- FACE ARGUMENT…`. With a descriptor
// for a plan, the face's run is planned, and as little as possible is loaded; otherwise the face does all itself.

type Entry = {
  readonly runDirectory: string;
  readonly planDescriptor: number | undefined;
  readonly words: readonly string[];
};

function readEntry(argv: readonly string[]): Entry {
  const end = argv.indexOf('--');
  const given = (name: string): string | undefined =>
    argv
      .slice(0, Math.max(end, 0))
      .find((word) => word.startsWith(`--${name}=`))
      ?.slice(name.length + 3);
  const descriptor = given('plan-fd');
  return {
    runDirectory: given('run-dir') ?? '',
    planDescriptor: descriptor === undefined ? undefined : Number(descriptor),
    words: argv.slice(end + 1),
  };
}

async function planRun(entry: Entry, planDescriptor: number): Promise<number> {
  const { planSlipwayRun } = await import('./faces/slipway/run.ts');
  try {
    return await planSlipwayRun(entry.words, {
      environment: process.env,
      cwd: process.cwd(),
      runDirectory: entry.runDirectory,
      planDescriptor,
      writeStdout: (text) => process.stdout.write(text),
      columns: process.stdout.columns || 80,
      signal: new AbortController().signal,
    });
  } catch (error) {
    const { errorText, exitStatusOf } = await import('./faces/terminal/error-text.ts');
    process.stderr.write(errorText('slipway', error, (process.env['SLIPWAY_DEBUG'] ?? '') !== ''));
    return exitStatusOf(error);
  }
}

async function runFace(entry: Entry): Promise<number> {
  const { main } = await import('./faces/slipway/main.ts');
  const { processEnvironment } = await import('./faces/terminal/process-environment.ts');
  return main(entry.words.slice(1), processEnvironment());
}

const entry = readEntry(process.argv.slice(2));
process.exitCode =
  entry.planDescriptor === undefined ? await runFace(entry) : await planRun(entry, entry.planDescriptor);
