// SPDX-License-Identifier: Apache-2.0
// Many launches at once from one squashfs image, as the ranks of a job step on one node: one mount for all, and what all
// of it costs, the holder and the FUSE server included, against as many ch-run of the unpacked image.
import { parseArgs } from 'node:util';
import { median, noteLoad, openLaunchRig, parseSamples, print, type Sample } from './launch-rig.ts';

const usage = `usage: bench/ranks [--ranks N] [--runs N] [--json] [--check]
  --ranks N   launches at once (128)
  --runs N    how often each side has its turn (10)
  --json      print the results as JSON
  --check     exit status 1 when a budget is exceeded
`;

const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    ranks: { type: 'string', default: '128' },
    runs: { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
});
const [ranks, runs] = [Number(options.ranks), Number(options.runs)];
if (options.help || !(ranks >= 1 && runs >= 1)) {
  process[options.help ? 'stdout' : 'stderr'].write(usage);
  process.exit(options.help ? 0 : 2);
}

const rig = await openLaunchRig();
try {
  const spawn = await rig.compile('spawn');
  const { directory, squashfs } = rig.images;
  // Long enough for ranks that end before the last ones start, and short, as each turn waits for its holder's end.
  const env = { SLIPWAY_LINGER: '0.5' };
  const slipway = ['slipway', 'run', squashfs, '--', '/bin/true'];
  // Debian's, by its path: one of that name is ours.
  const peer = ['/usr/bin/ch-run', directory, '--', '/bin/true'];
  await rig.runOk(slipway, env);

  const atOnce = ['--at-once', String(ranks), '--orphans', '1', '--warmup', '0'];
  // Another job: the holder of the launch above does not serve it.
  const counted = { SLIPWAY_TRACE: '1', SLURM_JOB_ID: '1' };
  const traced = await rig.run([spawn, '--runs', '1', ...atOnce, '--next', ...slipway], { ...env, ...counted });
  const mounts = traced.stderr.split('\n').filter((line) => line.includes('starting holder')).length;

  const measured = await rig.runOk(
    [spawn, '--runs', String(runs), ...atOnce, '--next', ...slipway, '--next', ...peer],
    env,
  );
  const samples = parseSamples(measured);
  const of = (which: number, field: keyof Sample): number =>
    median(samples.filter((sample) => sample.which === which).map((sample) => sample[field]));
  const result = {
    ranks,
    runs,
    mounts,
    slipway: { wallUs: of(0, 'wallUs'), cpuUs: of(0, 'cpuUs'), maxRssKb: of(0, 'maxRssKb') },
    chRun: { wallUs: of(1, 'wallUs'), cpuUs: of(1, 'cpuUs'), maxRssKb: of(1, 'maxRssKb') },
    cpuRatio: of(0, 'cpuUs') / of(1, 'cpuUs'),
  };
  const isOver = mounts !== 1 || result.cpuRatio > 0.5;
  if (options.json) {
    print(JSON.stringify(result, null, 2));
  } else {
    print(
      `${`${ranks} at once, medians of ${runs}`.padEnd(30)}${'wall ms'.padStart(10)}${'cpu ms'.padStart(10)}${'largest KB'.padStart(12)}`,
    );
    for (const [name, cost] of [
      ['slipway, squashfs', result.slipway],
      ['ch-run, directory', result.chRun],
    ] as const) {
      const milliseconds = [cost.wallUs, cost.cpuUs].map((us) => (us / 1000).toFixed(1).padStart(10)).join('');
      print(`${name.padEnd(30)}${milliseconds}${String(cost.maxRssKb).padStart(12)}`);
    }
    noteLoad();
    print(`FUSE mounts: ${mounts}   budget 1`);
    print(`cpu / ch-run: ${result.cpuRatio.toFixed(2)}   budget 0.5${isOver ? '   EXCEEDED' : ''}`);
  }
  if (options.check && isOver) process.exitCode = 1;
} finally {
  rig.close();
}
