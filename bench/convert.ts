// SPDX-License-Identifier: Apache-2.0
// A real system's tree, as a tar archive, to squashfs: our writer against `tar2sqfs -c zstd` at the same level and with
// the same processors, in turns, in one run; then the same by way of a pack, as images that share a layer are made.
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';
import { runOk } from '../test/support/command.ts';
import { type RealImage, realImage } from '../test/support/images.ts';
import { type Cost, measure } from './pull-measure.ts';

const usage = `usage: bench/convert [--image NAME | --tar FILE] [--level N] [--block-kib N] [--rounds N] [--check]
  --image NAME    an image of scripts/make-image whose largest layer is converted (bookworm-science: 2 GB; below some
                  hundred megabytes the start of Node is most of what is measured)
  --tar FILE      an archive instead
  --level N       zstd level (3)
  --block-kib N   squashfs block size (128)
  --rounds N      how often each side has its turn; medians count (3)
  --check         exit status 1 when a budget is exceeded
`;
const { values: options } = parseArgs({
  options: {
    'help': { type: 'boolean', default: false },
    'tar': { type: 'string' },
    'image': { type: 'string', default: 'bookworm-science' },
    'level': { type: 'string', default: '3' },
    'block-kib': { type: 'string', default: '128' },
    'rounds': { type: 'string', default: '3' },
    'check': { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(usage);
  process.exit(0);
}

const work = mkdtempSync('/var/tmp/slipway-bench-');
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const at = (name: string): string => join(work, name);
const rounds = Number(options.rounds);
const processors = availableParallelism();
const environment = { PATH: process.env['PATH'] ?? '' };
const archive = options.tar === undefined ? await realTar() : resolve(options.tar);
const program = join(work, 'convert-tar.mjs');
// As it is shipped: one file of JavaScript.
await runOk([
  'rolldown',
  join(import.meta.dirname, 'convert-tar.ts'),
  '--format=esm',
  '--platform=node',
  '-o',
  program,
]);

const settings = [options.level, options['block-kib'], String(processors)];
const contenders = {
  'tar2sqfs': () => {
    // Ours is flushed to disk as well.
    const say = 'tar2sqfs -q -f -c zstd -X level="$1" -b "$2"K -j "$3" "$4" < "$5" && sync "$4"';
    return measure(['sh', '-c', say, 'sh', ...settings, at('theirs'), archive], { env: environment, cwd: work });
  },
  'slipway': () => ours('image', archive, 'image'),
  'slipway, to a pack': () => ours('pack', archive, 'pack'),
  'slipway, from a pack': () => ours('assemble', at('pack'), 'assembled'),
};
type Contender = keyof typeof contenders;
const costs = new Map<Contender, Cost[]>();
for (let round = 0; round < rounds; round++) {
  for (const [name, convert] of Object.entries(contenders) as [Contender, () => Promise<Cost>][]) {
    costs.set(name, [...(costs.get(name) ?? []), await convert()]);
  }
}

print(`${archive}: ${mebibytes(statSync(archive).size)}, zstd ${options.level}, blocks of ${options['block-kib']} KiB`);
print(`${rounds} rounds, ${processors} processors, medians`);
print('                             wall       cpu    memory    output');
for (const [name, output] of [
  ['tar2sqfs', 'theirs'],
  ['slipway', 'image'],
  ['slipway, to a pack', 'pack'],
  ['slipway, from a pack', 'assembled'],
] as const) {
  const { wallMs, cpuMs, peakBytes } = medians(name);
  const cells = [seconds(wallMs), seconds(cpuMs), mebibytes(peakBytes), mebibytes(statSync(at(output)).size)];
  print(`${name.padEnd(23)}${cells.map((cell) => cell.padStart(10)).join('')}`);
}
print('');
const verdicts = [
  verdict(
    'speed, of tar2sqfs',
    medians('tar2sqfs').wallMs / medians('slipway').wallMs,
    (ratio) => ratio >= 0.9,
    '≥ 0.9',
  ),
  verdict(
    'size, of tar2sqfs',
    statSync(at('image')).size / statSync(at('theirs')).size,
    (ratio) => ratio <= 1.03,
    '≤ 1.03',
  ),
  verdict('memory, MiB', medians('slipway').peakBytes / 2 ** 20, (mib) => mib <= 400, '≤ 400'),
];
if (options.check && verdicts.includes(false)) process.exitCode = 1;

async function ours(mode: string, input: string, output: string): Promise<Cost> {
  rmSync(at(output), { force: true });
  return await measure(['node', program, mode, input, at(output), ...settings], { env: environment, cwd: work });
}

/** The one large layer of a real image, uncompressed. */
async function realTar(): Promise<string> {
  const layout = await realImage(options.image as RealImage);
  const blob = (digest: string): string => join(layout, 'blobs', digest.replace(':', '/'));
  const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
  const index = json(join(layout, 'index.json')) as { manifests: { digest: string }[] };
  const manifest = json(blob(index.manifests[0]?.digest ?? '')) as { layers: { digest: string; size: number }[] };
  const layer = manifest.layers.toSorted((left, right) => right.size - left.size)[0];
  if (layer === undefined) throw new Error('the image has no layer');
  const path = at('tree.tar');
  await pipeline(createReadStream(blob(layer.digest)), createGunzip({ chunkSize: 1 << 20 }), createWriteStream(path));
  return path;
}

function medians(name: Contender): Cost {
  const list = costs.get(name) ?? [];
  const median = (values: readonly number[]): number =>
    values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
  return {
    wallMs: median(list.map(({ wallMs }) => wallMs)),
    cpuMs: median(list.map(({ cpuMs }) => cpuMs)),
    peakBytes: median(list.map(({ peakBytes }) => peakBytes)),
  };
}

function verdict(name: string, figure: number, isKept: (figure: number) => boolean, budget: string): boolean {
  print(
    `${name.padEnd(23)}${figure.toFixed(2).padStart(10)}   budget ${budget}: ${isKept(figure) ? 'kept' : 'EXCEEDED'}`,
  );
  return isKept(figure);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
