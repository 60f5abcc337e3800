// SPDX-License-Identifier: Apache-2.0
// Pull and convert, `slipway pull` against `skopeo copy` + `umoci unpack --rootless` + `mksquashfs -comp zstd`: the
// same image from the same registry on loopback, in turns, in one run. What counts are the ratios.
import { spawn } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { runOk } from '../test/support/command.ts';
import { freePort } from '../test/support/service.ts';
import { benchmarkImage } from './pull-image.ts';
import { type Cost, measure, sumCosts } from './pull-measure.ts';

const usage = `usage: bench/pull|bench/base [--size-mb N] [--rounds N] [--level N] [--check]
  bench/base measures the second image on the same base against the first alone
  --size-mb N   megabytes in the image's large layer (300; the budget is stated for 1300)
  --rounds N    how often each side has its turn; medians count (1)
  --level N     zstd level for mksquashfs (its own default, 15, when left out)
  --check       exit status 1 when a budget is exceeded
`;
const root = resolve(import.meta.dirname, '..');
const { values: options } = parseArgs({
  options: {
    'help': { type: 'boolean', default: false },
    'size-mb': { type: 'string', default: '300' },
    'rounds': { type: 'string', default: '1' },
    'level': { type: 'string' },
    'base': { type: 'boolean', default: false },
    'check': { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const rounds = Number(options.rounds);
const sizeMb = Number(options['size-mb']);
if (!(rounds >= 1 && sizeMb >= 1)) {
  process.stderr.write(usage);
  process.exit(2);
}

const work = mkdtempSync('/var/tmp/slipway-bench-');
// Whatever ends this, nothing stays: what it started ends with the terminal's signal, or finds its files gone.
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

print(`image: Debian with Python and ${sizeMb} MB more (made once, kept)`);
const layout = await benchmarkImage(sizeMb);
const registry = await startRegistry(join(work, 'registry'));
try {
  for (const tag of ['first', 'second']) {
    const target = `docker://${registry.address}/bench/stack:${tag}`;
    const copy = ['skopeo', 'copy', '--quiet', '--dest-tls-verify=false', `oci:${layout}:${tag}`, target];
    await runOk(copy, { timeoutMs: 600_000 });
  }
  await compare(registry.address);
} finally {
  await registry.stop();
  // umoci leaves directories that even their owner can not empty.
  await runOk(['chmod', '-R', 'u+rwX', work]);
}

async function compare(address: string): Promise<void> {
  const first: Cost[] = [];
  const second: Cost[] = [];
  const peer: Cost[] = [];
  let sizes = { slipway: 0, peer: 0 };
  for (let round = 1; round <= rounds; round += 1) {
    const home = join(work, `home-${round}`);
    mkdirSync(home);
    const env = { PATH: process.env['PATH'] ?? '', HOME: home, SLIPWAY_STORE: join(home, 'store'), LANG: 'C.UTF-8' };
    const pull = (tag: string): Promise<Cost> =>
      measure([join(root, 'bin/slipway'), 'pull', `${address}/bench/stack:${tag}`], { env, cwd: home });
    first.push(await pull('first'));
    const [image] = globSync('**/*.squashfs', { cwd: home });
    if (image === undefined) throw new Error('slipway pull left no squashfs file in its store');
    sizes = { ...sizes, slipway: statSync(join(home, image)).size };
    second.push(await pull('second'));
    if (!options.base) {
      const folder = join(work, `peer-${round}`);
      mkdirSync(folder);
      peer.push(await pullByPeer(address, folder, env));
      sizes = { ...sizes, peer: statSync(join(folder, 'image.squashfs')).size };
      await runOk(['chmod', '-R', 'u+rwX', folder]);
      rmSync(folder, { recursive: true });
    }
    await runOk(['chmod', '-R', 'u+rwX', home]);
    rmSync(home, { recursive: true });
  }

  const [ours, shared, theirs] = [medians(first), medians(second), medians(peer)];
  print('');
  if (!options.base) print(`mksquashfs compresses at zstd level ${options.level ?? '15, its default'}`);
  print('                                   wall       cpu    memory     image');
  print(row('slipway pull', ours, sizes.slipway));
  print(row('slipway pull, shared base', shared));
  if (!options.base) print(row('skopeo + umoci + mksquashfs', theirs, sizes.peer));
  print('');
  const verdicts = [
    ...(options.base ? [] : [verdict('pull / peer, wall', ours.wallMs / theirs.wallMs, 1 / 3)]),
    verdict('shared base / first, wall', shared.wallMs / ours.wallMs, 1 / 10),
    verdict('memory, MiB', ours.peakBytes / 2 ** 20, 400),
  ];
  if (options.check && verdicts.includes(false)) process.exitCode = 1;
}

async function pullByPeer(address: string, folder: string, env: Readonly<Record<string, string>>): Promise<Cost> {
  const level = options.level === undefined ? [] : ['-Xcompression-level', options.level];
  const steps = [
    [
      'skopeo',
      'copy',
      '--quiet',
      '--src-tls-verify=false',
      `docker://${address}/bench/stack:first`,
      'oci:layout:first',
    ],
    ['umoci', 'unpack', '--rootless', '--image', 'layout:first', 'bundle'],
    ['mksquashfs', 'bundle/rootfs', 'image.squashfs', '-comp', 'zstd', ...level, '-noappend', '-no-progress', '-quiet'],
  ];
  const costs: Cost[] = [];
  for (const argv of steps) {
    const cost = await measure(argv, { env, cwd: folder });
    print(`  ${(argv[0] ?? '').padEnd(12)} ${(cost.wallMs / 1000).toFixed(2)} s`);
    costs.push(cost);
  }
  return sumCosts(costs);
}

async function startRegistry(
  folder: string,
): Promise<{ readonly address: string; readonly stop: () => Promise<void> }> {
  const port = await freePort();
  const config = `${folder}.yml`;
  writeFileSync(
    config,
    `version: 0.1\nlog: { level: error }\nstorage: { filesystem: { rootdirectory: ${folder} } }\nhttp: { addr: "127.0.0.1:${port}" }\n`,
  );
  const child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
  process.on('exit', () => child.kill());
  const ended = new Promise<void>((done, reject) => {
    child.once('error', reject);
    child.once('exit', () => done());
  });
  const stop = async (): Promise<void> => {
    child.kill();
    await ended;
  };
  for (let attempt = 0; attempt < 400; attempt += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined);
    if (answer?.ok === true) return { address: `127.0.0.1:${port}`, stop };
    if (child.exitCode !== null) break;
    await delay(50);
  }
  await stop();
  throw new Error('docker-registry did not start');
}

function medians(costs: readonly Cost[]): Cost {
  const median = (values: readonly number[]): number =>
    values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
  return {
    wallMs: median(costs.map((cost) => cost.wallMs)),
    cpuMs: median(costs.map((cost) => cost.cpuMs)),
    peakBytes: median(costs.map((cost) => cost.peakBytes)),
  };
}

function row(name: string, cost: Cost, imageBytes?: number): string {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`.padStart(10);
  const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`.padStart(10);
  const image = imageBytes === undefined ? '' : mebibytes(imageBytes);
  return `${name.padEnd(30)}${seconds(cost.wallMs)}${seconds(cost.cpuMs)}${mebibytes(cost.peakBytes)}${image}`;
}

/** Prints a figure beside its budget; whether it is kept. */
function verdict(name: string, figure: number, budget: number): boolean {
  const isKept = figure <= budget;
  const show = (value: number): string => (value >= 10 ? value.toFixed(0) : value.toFixed(3));
  print(`${name.padEnd(30)}${show(figure).padStart(10)}   budget ${show(budget)}: ${isKept ? 'kept' : 'EXCEEDED'}`);
  return isKept;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
