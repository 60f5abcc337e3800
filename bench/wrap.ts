// SPDX-License-Identifier: Apache-2.0
// One virtual environment, as a directory and wrapped, in turns in one run as an ordinary user: the start of Python with
// everything hot; the import of the scientific stack with a cold page cache, and from a file system whose requests take
// long (both as root); and how many files each is.
import { readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { pipVariables } from '../test/wrap/python-projects.ts';
import { type LaunchRig, median, noteLoad, openLaunchRig, parseSamples, print } from './launch-rig.ts';
import { measureSlow, requestUs, slowReason, type SlowStart } from './wrap-slow.ts';

const usage = `usage: bench/wrap [--runs N] [--packages "NAME..."] [--json] [--check]
  --runs N       how often each start has its turn (100); a tenth of it for imports
  --packages     modules that are imported (numpy scipy.stats pandas), of projects of the same name in pip's index
  --json         print the results as JSON
  --check        exit status 1 when a budget is exceeded
`;

const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    runs: { type: 'string', default: '100' },
    packages: { type: 'string', default: 'numpy scipy.stats pandas' },
    json: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
});
const runs = Number(options.runs);
if (options.help || !(runs >= 10)) {
  process[options.help ? 'stdout' : 'stderr'].write(usage);
  process.exit(options.help ? 0 : 2);
}

/**
 * More than a plain start may take, in ms; files that may be in an installation; on a slow file system, requests for
 * metadata of an import, and its time by that from a directory.
 */
const budget = { startMs: 3, files: 50, metadata: 50, slowRatio: 0.75 };
const packages = options.packages.split(/\s+/);

const rig = await openLaunchRig();
try {
  const { plain, wrapped } = await install(rig);
  const spawn = await rig.compile('spawn');
  const start = await measure(spawn, runs, [plain, wrapped], 'pass');
  const imports = `import ${packages.join(', ')}`;
  const hot = await measure(spawn, Math.ceil(runs / 10), [plain, wrapped], imports);
  const cold =
    process.getuid?.() === 0 ? await measureCold(spawn, Math.ceil(runs / 20), [plain, wrapped], imports) : undefined;
  const reason = await slowReason();
  if (reason !== undefined) process.stderr.write(`bench/wrap: no slow file system: ${reason}\n`);
  const slow =
    reason === undefined
      ? await measureSlow(rig, spawn, {
          programs: [plain, wrapped].map((prefix) => join(prefix, 'bin/python')),
          words: ['-c', imports],
          count: Math.ceil(runs / 30),
        })
      : undefined;
  tell({ start, hot, cold, slow, files: [countFiles(plain), countFiles(wrapped)] });
} finally {
  rig.close();
}

type Pair = readonly [plain: number, wrapped: number];

/** The same files twice: an environment, and the image of it. */
async function install({ runOk, images }: LaunchRig): Promise<{ readonly plain: string; readonly wrapped: string }> {
  const work = dirname(images.directory);
  const [plain, wrapped] = [join(work, 'plain'), join(work, 'wrapped')];
  await runOk(['/usr/bin/python3', '-m', 'venv', plain]);
  await runOk(
    [join(plain, 'bin/pip'), 'install', '--quiet', ...packages.map((name) => name.replace(/[.].*/, ''))],
    pipVariables,
  );
  await runOk(['wrap-install', '-w', 'bin', '--prefix', wrapped, plain]);
  return { plain, wrapped };
}

/** Medians, in ms. */
async function measure(spawn: string, count: number, prefixes: readonly [string, string], text: string): Promise<Pair> {
  const argv = prefixes.flatMap((prefix) => ['--next', join(prefix, 'bin/python'), '-c', text]);
  const samples = parseSamples(await rig.runOk([spawn, '--runs', String(count), ...argv]));
  const of = (index: number): number =>
    median(samples.filter(({ which }) => which === index).map(({ wallUs }) => wallUs / 1000));
  return [of(0), of(1)];
}

async function measureCold(
  spawn: string,
  count: number,
  prefixes: readonly [string, string],
  text: string,
): Promise<Pair> {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < count; round += 1) {
    for (const [index, prefix] of prefixes.entries()) {
      writeFileSync('/proc/sys/vm/drop_caches', '3');
      const argv = [spawn, '--runs', '1', '--warmup', '0', '--next', join(prefix, 'bin/python'), '-c', text];
      times[index]?.push(...parseSamples(await rig.runOk(argv)).map(({ wallUs }) => wallUs / 1000));
    }
  }
  return [median(times[0]), median(times[1])];
}

function countFiles(directory: string): number {
  return readdirSync(directory, { recursive: true }).length;
}

function tell(results: {
  readonly start: Pair;
  readonly hot: Pair;
  readonly cold: Pair | undefined;
  readonly slow: readonly SlowStart[] | undefined;
  readonly files: Pair;
}): void {
  const { start, hot, cold, slow, files } = results;
  const [slowPlain, slowWrapped] = slow ?? [];
  if (options.json) {
    print(JSON.stringify({ ...results, budget }));
  } else {
    noteLoad();
    const line = (name: string, [plain, wrapped]: Pair): void =>
      print(`${name.padEnd(38)} ${plain.toFixed(1).padStart(10)} ${wrapped.toFixed(1).padStart(10)}`);
    print(`${'median ms'.padEnd(38)} ${'directory'.padStart(10)} ${'wrapped'.padStart(10)}`);
    line('python -c pass, hot', start);
    line(`import ${packages.join(', ')}, hot`, hot);
    if (cold !== undefined) line('the same, cold page cache', cold);
    if (slowPlain !== undefined && slowWrapped !== undefined) {
      line(`the same, ${requestUs} us for each request`, [slowPlain.ms, slowWrapped.ms]);
      line('  requests for metadata', [slowPlain.metadata, slowWrapped.metadata]);
      line('  requests for data', [slowPlain.data, slowWrapped.data]);
    }
    print(`${'files'.padEnd(38)} ${String(files[0]).padStart(10)} ${String(files[1]).padStart(10)}`);
  }
  const isSlowOver =
    slowPlain !== undefined &&
    slowWrapped !== undefined &&
    (slowWrapped.metadata > budget.metadata || slowWrapped.ms > budget.slowRatio * slowPlain.ms);
  const isOver = start[1] - start[0] > budget.startMs || files[1] > budget.files || isSlowOver;
  if (options.check && isOver) process.exitCode = 1;
}
