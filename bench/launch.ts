// SPDX-License-Identifier: Apache-2.0
// The figures of bench/launch, which prepares what stands in $WORK. Commands that are compared run in turn, so that
// a machine that slows down slows all of them.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';

type Cost = {
  readonly median: number;
  readonly p90: number;
  readonly least: number;
  readonly cpu: number;
  readonly maxRssKib: number;
  readonly bad: number;
};

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '500' }, json: { type: 'boolean', default: false } },
});
const runs = Number(values.runs);
const together = 128;
const work = process.env['WORK'] ?? '';
const runDirectory = `${process.env['XDG_RUNTIME_DIR']}/slipway`;
const rootfs = `${work}/bundle/rootfs`;
const image = `${work}/image.squashfs`;
const home = process.env['HOME'] ?? '';
const program = '/bin/true';

function spawn(
  words: readonly string[],
  commands: readonly (readonly string[])[],
  variables: Readonly<Record<string, string>> = {},
): readonly Cost[] {
  const argv = [...words, ...commands.flatMap((command) => ['--', 'command', ...command])];
  return execFileSync('spawn', argv, { encoding: 'utf8', env: { ...process.env, ...variables } })
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Cost);
}

/** The file that a plan or skeleton of this run stands in, by how its name begins. */
function made(prefix: string): readonly string[] {
  return readdirSync(runDirectory)
    .filter((name) => name.startsWith(prefix))
    .map((name) => `${runDirectory}/${name}`);
}

/** This user's processes of that name. */
function processesCalled(name: string): readonly number[] {
  return readdirSync('/proc')
    .filter((pid) => /^[0-9]+$/.test(pid))
    .filter((pid) => {
      try {
        return (
          statSync(`/proc/${pid}`).uid === process.getuid?.() &&
          readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name &&
          !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
        );
      } catch {
        // It has ended meanwhile.
        return false;
      }
    })
    .map(Number);
}

const directory = ['slipway', 'run', rootfs, '--', program];
const squashfs = ['slipway', 'run', image, '--', program];
const chRun = ['ch-run', rootfs, '--', program];
const binds = ['/dev', '/proc', '/sys', '/tmp'].flatMap((path) => ['--dev-bind', path, path]);
const bwrap = ['bwrap', '--ro-bind', rootfs, '/', ...binds, '--tmpfs', '/home', '--bind', home, home, '--', program];

// Plans are made, and the holder stays for as long as this runs.
const lingering = { SLIPWAY_LINGER: 'never' };
spawn(['1'], [directory, squashfs], lingering);
const [plan = ''] = made('p-').filter((path) => readFileSync(path).includes(rootfs));
const [skeleton = ''] = made('s-');
const texts = made('f-');
const passwd = texts.find((path) => readFileSync(path, 'utf8').includes('/bin/sh')) ?? '';
const group = texts.find((path) => path !== passwd) ?? '';
const limit = ['limit', plan, rootfs, home, skeleton, passwd, group, program];
const [bare, inDirectory, inSquashfs, byLimit, byChRun, byBwrap] = spawn(
  [String(runs)],
  [[program], directory, squashfs, limit, chRun, bwrap],
  { ...lingering, LIMIT_STATS: '20' },
) as [Cost, Cost, Cost, Cost, Cost, Cost];

const [manySquashfs, manyChRun] = spawn(['-t', String(together)], [squashfs, chRun], lingering) as [Cost, Cost];
const servers = processesCalled('squashfuse_ll').length;

// First launches: each with no plan there.
const node = process.execPath;
const cold: Cost[] = [];
const nodes: Cost[] = [];
for (let i = 0; i < Math.min(runs, 20); i += 1) {
  for (const path of made('p-')) rmSync(path);
  cold.push(...spawn(['1'], [directory]));
  nodes.push(...spawn(['1'], [[node, '-e', '0']]));
}
const median = (costs: readonly Cost[]): number =>
  costs.map((cost) => cost.median).toSorted((a, b) => a - b)[Math.floor(costs.length / 2)] ?? Number.NaN;

const rows = [
  ['bare /bin/true', bare],
  ['limit: the same system calls', byLimit],
  ['slipway, directory, hot', inDirectory],
  ['slipway, squashfs with a holder', inSquashfs],
  ['ch-run, directory', byChRun],
  ['bwrap, directory', byBwrap],
] as const;
const results = {
  microseconds: Object.fromEntries(rows),
  directoryOfChRun: inDirectory.median / byChRun.median,
  directoryOfLimit: inDirectory.median / byLimit.median,
  squashfsOverBareMs: (inSquashfs.median - bare.median) / 1000,
  together: {
    count: together,
    fuseServers: servers,
    failed: manySquashfs.bad,
    cpuOfChRun: manySquashfs.cpu / manyChRun.cpu,
    maxRssKib: manySquashfs.maxRssKib,
  },
  coldMs: median(cold) / 1000,
  nodeMs: median(nodes) / 1000,
  coldOfNode: median(cold) / median(nodes),
};
const failed = rows.filter(([, cost]) => cost.bad > 0).map(([name]) => name);

if (values.json) {
  process.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`);
} else {
  const ratio = (value: number): string => value.toFixed(2);
  const lines = [
    `${runs} starts of each in turn, microseconds`,
    ...rows.map(
      ([name, cost]) =>
        `  ${name.padEnd(34)} median ${cost.median.toFixed(0).padStart(6)}  least ${cost.least.toFixed(0).padStart(6)}`,
    ),
    `directory / ch-run            ${ratio(results.directoryOfChRun)}   (budget 0.50)`,
    `directory / limit             ${ratio(results.directoryOfLimit)}   (budget 1.60)`,
    `squashfs - bare               ${ratio(results.squashfsOverBareMs)} ms (budget 0.50 ms)`,
    `${together} at once, squashfs: ${servers} FUSE server, ${manySquashfs.bad} failed, CPU / ch-run ${ratio(results.together.cpuOfChRun)} (budget 0.50), largest process ${manySquashfs.maxRssKib} KiB`,
    `first launch / node -e 0      ${ratio(results.coldOfNode)}   (budget 2.00; ${ratio(results.coldMs)} ms, ${ratio(results.nodeMs)} ms)`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
for (const pid of processesCalled('slipway-holder')) process.kill(pid, 'SIGTERM');
if (failed.length > 0) {
  process.stderr.write(`failed: ${failed.join(', ')}\n`);
  process.exitCode = 1;
}
