// SPDX-License-Identifier: Apache-2.0
// The mount hook as a runtime calls it, in turns in one run: hooks run once for each rank. It mounts in a mount namespace
// of this program's own.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { median, noteLoad, parseSamples, print } from './launch-rig.ts';

const usage = `usage: bench/hook [--runs N] [--check]
  --runs N   how often each has its turn (100); a tenth of it for what starts Node
  --check    exit status 1 when a budget is exceeded
`;
const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    runs: { type: 'string', default: '100' },
    check: { type: 'boolean', default: false },
  },
});
const runs = Number(options.runs);
if (options.help || !(runs >= 10)) {
  process[options.help ? 'stdout' : 'stderr'].write(usage);
  process.exit(options.help ? 0 : 2);
}

/** Beyond the shell that gives it its standard input. */
type Cost = { readonly medianMs: number; readonly leastMs: number };

/** Where root's plans are: others' are neither used nor lost. */
const ownPlans = '[ ! -d /run/user ] || mount -t tmpfs none /run/user; mount -t tmpfs none /dev/shm; exec "$0" "$@"';
const plans = '/dev/shm/slipway-0';
const budgets = { known: 5, unknown: 60 } as const;
const root = resolve(import.meta.dirname, '..');
const directory = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
chmodSync(directory, 0o755); // its files are opened as the container's user
try {
  const bundle = join(directory, 'bundle');
  mkdirSync(join(bundle, 'rootfs'), { recursive: true });
  const user = { uid: 1000, gid: 1000 };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify({ root: { path: 'rootfs' }, process: { user } }));
  writeFileSync(join(directory, 'state'), JSON.stringify({ ociVersion: '1.0.2', id: 'b', pid: 1, bundle }));
  for (const name of ['a', 'b', 'c', 'd']) writeFileSync(join(directory, name), name);
  run(['gcc', '-O2', '-o', join(directory, 'spawn'), join(root, 'bench/spawn.c')]);
  const mounts = ['a', 'b', 'c', 'd'].map((name) => `--mount=type=bind,src=${directory}/${name},dst=/opt/${name}`);
  const commands = [
    ['sh', '-c', ': <state'],
    ['sh', '-c', 'exec "$0" "$@" <state', join(root, 'bin/mount_hook'), ...mounts],
  ];
  const times = (count: number, more: readonly string[]): Cost => {
    const next = commands.flatMap((words) => ['--next', ...words]);
    const spawn = [join(directory, 'spawn'), '--runs', String(count), ...more, ...next];
    const samples = parseSamples(run(['unshare', '-m', 'sh', '-c', ownPlans, ...spawn]));
    const of = (which: number): readonly number[] =>
      samples.filter((sample) => sample.which === which).map(({ wallUs }) => wallUs / 1000);
    return { medianMs: median(of(1)) - median(of(0)), leastMs: Math.min(...of(1)) - Math.min(...of(0)) };
  };
  const results = { known: times(runs, []), unknown: times(Math.ceil(runs / 10), ['--clear', plans]) };
  noteLoad();
  for (const name of ['known', 'unknown'] as const) {
    const { medianMs, leastMs } = results[name];
    const most = budgets[name];
    const mark = medianMs > most ? '   EXCEEDED' : '';
    print(
      `four mounts, arguments ${name.padEnd(8)}${medianMs.toFixed(1).padStart(8)} ms, at least ${leastMs.toFixed(1)} ms   budget ${most} ms${mark}`,
    );
    if (options.check && medianMs > most) process.exitCode = 1;
  }
} finally {
  rmSync(directory, { force: true, recursive: true });
}

function run(argv: readonly string[]): string {
  const [program = '', ...words] = argv;
  const result = spawnSync(program, words, { cwd: directory, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (result.status !== 0) throw new Error(`${argv.join(' ')}: ${result.stderr}`);
  return result.stdout;
}
