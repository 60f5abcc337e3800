// SPDX-License-Identifier: Apache-2.0
// The same start of a program from a directory and wrapped, both on a file system that charges each request (slowfs.c):
// what a node of a cluster sees that starts the program first, with nothing cached.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, runOk } from '../test/support/command.ts';
import { type LaunchRig, median, parseSamples } from './launch-rig.ts';

/** Of each request; as a busy Lustre or GPFS takes for one. */
export const requestUs = 500;
const megabytesPerSecond = 1000;

export type SlowStart = {
  readonly ms: number;
  /** Requests to the file system, of one start. */
  readonly metadata: number;
  readonly data: number;
};

/** Why it can't be measured here; undefined: it can. */
export async function slowReason(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root can mount for others and drop caches';
  const { status } = await run(['pkg-config', '--exists', 'fuse3']).catch(() => ({ status: 1 }));
  return status === 0 ? undefined : 'libfuse3-dev and pkg-config are missing';
}

/** Medians of `count` starts of each, in turns. @param programs below one directory */
export async function measureSlow(
  rig: LaunchRig,
  spawnProgram: string,
  given: { readonly programs: readonly string[]; readonly words: readonly string[]; readonly count: number },
): Promise<readonly SlowStart[]> {
  const slowfs = join(dirname(spawnProgram), 'slowfs');
  const flags = (await runOk(['pkg-config', '--cflags', '--libs', 'fuse3'])).trim().split(/\s+/);
  const source = join(import.meta.dirname, 'slowfs.c');
  await runOk(['cc', '-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-o', slowfs, source, ...flags]);
  const root = dirname(rig.images.directory);
  const starts: SlowStart[][] = given.programs.map(() => []);
  for (let round = 0; round < given.count; round += 1) {
    for (const [index, program] of given.programs.entries()) {
      starts[index]?.push(
        await withSlowFileSystem([slowfs, root, String(requestUs), String(megabytesPerSecond)], async (mountPoint) => {
          const argv = ['--next', join(mountPoint, relative(root, program)), ...given.words];
          const [sample] = parseSamples(await rig.runOk([spawnProgram, '--runs', '1', '--warmup', '0', ...argv]));
          return (sample?.wallUs ?? Number.NaN) / 1000;
        }),
      );
    }
  }
  return starts.map((all) => ({
    ms: median(all.map(({ ms }) => ms)),
    metadata: median(all.map(({ metadata }) => metadata)),
    data: median(all.map(({ data }) => data)),
  }));
}

async function withSlowFileSystem(
  words: readonly string[],
  measure: (mountPoint: string) => Promise<number>,
): Promise<SlowStart> {
  const mountPoint = mkdtempSync('/tmp/slipway-bench-slow-');
  const outside = statSync(mountPoint).dev;
  const [program = '', ...rest] = words;
  const server = spawn(program, [...rest, mountPoint, '-f', '-o', 'allow_other,default_permissions'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(server, 'close');
  while (statSync(mountPoint).dev === outside && server.exitCode === null) await sleep(20);
  let ms: number;
  try {
    writeFileSync('/proc/sys/vm/drop_caches', '3');
    ms = await measure(mountPoint);
  } finally {
    // What serves a wrapped program's image has it open for a few seconds more.
    while (server.exitCode === null && (await run(['umount', mountPoint])).status !== 0) await sleep(200);
    await ended;
    rmdirSync(mountPoint);
  }
  const counted = /^metadata (\d+) data (\d+) bytes \d+$/m.exec(said);
  if (counted === null) throw new Error(`slowfs: ${said}`);
  return { ms, metadata: Number(counted[1]), data: Number(counted[2]) };
}
