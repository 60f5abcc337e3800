// SPDX-License-Identifier: Apache-2.0
// A launch of `true` in all its forms, in turns in one run, as an ordinary user. What counts are the ratios: the times
// are the machine's.
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type LaunchRig, median, noteLoad, openLaunchRig, parseSamples, print } from './launch-rig.ts';

const usage = `usage: bench/launch [--runs N] [--json] [--check]
  --runs N   how often each has its turn (300); a tenth of it for what starts Node
  --json     print the results as JSON
  --check    exit status 1 when a budget is exceeded
`;

const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    runs: { type: 'string', default: '300' },
    json: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
});
const runs = Number(options.runs);
if (options.help || !(runs >= 10)) {
  process[options.help ? 'stdout' : 'stderr'].write(usage);
  process.exit(options.help ? 0 : 2);
}

type Result = { readonly name: string; readonly medianUs: number; readonly leastUs: number; readonly cpuUs: number };

const rig = await openLaunchRig();
try {
  const spawn = await rig.compile('spawn');
  const hot = await measure(spawn, runs, await hotCommands(rig), []);
  const cold = await measure(spawn, Math.ceil(runs / 10), coldCommands(rig), ['--clear', rig.plans]);
  const calls = await countCalls(rig, await limitCommand(rig));
  tell([...hot, ...cold], calls);
} finally {
  rig.close();
}

type Commands = Readonly<Record<string, readonly string[]>>;

async function hotCommands({ account, images, run }: LaunchRig): Promise<Commands> {
  const { directory, squashfs } = images;
  const busybox = join(directory, 'bin/busybox');
  const have = async (program: string): Promise<boolean> =>
    (await run(['sh', '-c', `command -v ${program}`])).status === 0;
  const readOnly = (source: string, target: string): readonly string[] => ['--ro-bind', source, target];
  const binds = ['/proc', '/sys', '/tmp'].flatMap((path) => ['--bind', path, path]);
  const files = ['/etc/resolv.conf', '/etc/hosts'].flatMap((path) => readOnly(path, path));
  return {
    'bare exec': [busybox, 'true'],
    'its system calls alone': await limitCommand(rig),
    'slipway, directory': ['slipway', 'run', directory, '--', '/bin/true'],
    'slipway, squashfs with a holder': ['slipway', 'run', squashfs, '--', '/bin/true'],
    "slipway's ch-run, directory": ['ch-run', directory, '--', '/bin/true'],
    // By its path: the name is Slipway's.
    ...((await have('/usr/bin/ch-run'))
      ? { 'ch-run, directory': ['/usr/bin/ch-run', directory, '--', '/bin/true'] }
      : {}),
    ...((await have('bwrap'))
      ? {
          'bwrap, directory': [
            'bwrap',
            ...readOnly(directory, '/'),
            '--dev-bind',
            '/dev',
            '/dev',
            ...binds,
            ...files,
            '--tmpfs',
            dirname(account.home),
            '--bind',
            account.home,
            account.home,
            '/bin/true',
          ],
        }
      : {}),
  };
}

function coldCommands({ images, prefix }: LaunchRig): Commands {
  return {
    'node -e 0': [join(prefix, 'libexec/slipway/node'), '-e', '0'],
    'slipway, directory, no plan yet': ['slipway', 'run', images.directory, '--', '/bin/true'],
    'slipway, squashfs, no plan yet': ['slipway', 'run', images.squashfs, '--', '/bin/true'],
  };
}

/** The parts of a plan, as `slipway explain --json` prints it, that limit.c is told. */
type Explained = {
  readonly trace: readonly { readonly read: string; readonly path?: string; readonly follows?: boolean }[];
  readonly steps: readonly {
    readonly step: string;
    readonly path?: string;
    readonly source?: string;
    readonly target?: string;
    readonly flags?: Readonly<Record<string, boolean>>;
  }[];
};

/** The words that run limit.c as a launch of the unpacked image. */
async function limitCommand({ compile, plans, images, runOk }: LaunchRig): Promise<readonly string[]> {
  const launch = ['run', images.directory, '--', '/bin/true'];
  await runOk(['slipway', ...launch]);
  const [plan = ''] = readdirSync(plans).filter((name) => name.startsWith('p-'));
  const text = await runOk(['slipway', 'explain', '--json', ...launch]);
  const { trace, steps } = JSON.parse(text.replaceAll('<private directory>', plans)) as Explained;
  const looks = trace.flatMap(({ read, path, follows }): readonly string[] => {
    if (path === undefined || read === 'cwd') return [];
    return [read === 'link' || follows === false ? 'l' : 's', path];
  });
  const mounts = steps.flatMap(({ step, path = '', source = '', target = '', flags = {} }): readonly string[] => {
    if (step === 'root-directory') return ['r', path];
    if (step === 'overlay' || step === 'tmpfs') throw new Error(`limit.c knows no ${step}`);
    if (step !== 'bind') return [];
    const bits =
      (flags['recursive'] ? 1 : 0) |
      (flags['readOnly'] ? 2 : 0) |
      (flags['nosuid'] ? 16 : 0) |
      (flags['nodev'] ? 32 : 0);
    return ['b', String(bits), source, target];
  });
  return [await compile('limit'), plans, plan, ...looks, ...mounts, 'x', '/bin/true'];
}

async function measure(spawn: string, count: number, commands: Commands, more: readonly string[]): Promise<Result[]> {
  const argv = Object.values(commands).flatMap((words) => ['--next', ...words]);
  const samples = parseSamples(await rig.runOk([spawn, '--runs', String(count), ...more, ...argv]));
  return Object.keys(commands).map((name, index) => {
    const mine = samples.filter(({ which }) => which === index);
    return {
      name,
      medianUs: median(mine.map(({ wallUs }) => wallUs)),
      leastUs: Math.min(...mine.map(({ wallUs }) => wallUs)),
      cpuUs: median(mine.map(({ cpuUs }) => cpuUs)),
    };
  });
}

/** How many system calls a hot launch and limit.c make up to the program's own; undefined without strace. */
async function countCalls(
  { run, images }: LaunchRig,
  limit: readonly string[],
): Promise<readonly [number, number] | undefined> {
  const count = async (argv: readonly string[]): Promise<number> => {
    const traced = await run(['strace', ...argv]);
    const lines = traced.stderr.split('\n');
    return lines.findIndex((line) => line.startsWith('execve("/bin/true"'));
  };
  if ((await run(['sh', '-c', 'command -v strace'])).status !== 0) return undefined;
  return [await count(['slipway', 'run', images.directory, '--', '/bin/true']), await count(limit)];
}

function tell(results: readonly Result[], calls: readonly [number, number] | undefined): void {
  const of = (name: string): number => results.find((result) => result.name === name)?.medianUs ?? Number.NaN;
  const budgets = [
    { what: 'directory / ch-run', value: of('slipway, directory') / of('ch-run, directory'), most: 0.5 },
    {
      what: "slipway's ch-run / ch-run",
      value: of("slipway's ch-run, directory") / of('ch-run, directory'),
      most: 0.5,
    },
    {
      what: 'directory / its system calls alone',
      value: of('slipway, directory') / of('its system calls alone'),
      most: 1.6,
    },
    {
      what: 'squashfs over a bare exec, ms',
      value: (of('slipway, squashfs with a holder') - of('bare exec')) / 1000,
      most: 0.5,
    },
    {
      what: 'no plan yet, directory / node -e 0',
      value: of('slipway, directory, no plan yet') / of('node -e 0'),
      most: 2,
    },
  ];
  if (options.json) {
    print(JSON.stringify({ runs, results, budgets, systemCalls: calls }, null, 2));
  } else {
    print(`${'microseconds'.padEnd(36)}${'median'.padStart(10)}${'least'.padStart(10)}${'cpu'.padStart(10)}`);
    for (const { name, medianUs, leastUs, cpuUs } of results) {
      print(name.padEnd(36) + [medianUs, leastUs, cpuUs].map((us) => us.toFixed(0).padStart(10)).join(''));
    }
    noteLoad();
    if (calls !== undefined) print(`system calls: slipway ${calls[0]}, limit ${calls[1]}`);
    print('');
    for (const { what, value, most } of budgets) {
      print(`${what.padEnd(36)}${value.toFixed(2).padStart(10)}   budget ${most}${value > most ? '   EXCEEDED' : ''}`);
    }
  }
  if (options.check && budgets.some(({ value, most }) => value > most)) process.exitCode = 1;
}
