// SPDX-License-Identifier: Apache-2.0
// What the launch benchmarks have in common: an ordinary user with a home and an image, the programs in C, and the
// medians of what they measured.
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { type CommandOptions, type CommandResult, run, runOk } from '../test/support/command.ts';
import { type LocalImages, makeImages } from '../test/run/images.ts';

export const root: string = resolve(import.meta.dirname, '..');
const account = 'slipway-bench';

export type LaunchRig = {
  readonly home: string;
  /** Where the launcher keeps plans. */
  readonly plans: string;
  readonly images: LocalImages;
  readonly runOk: (argv: readonly string[], env?: Readonly<Record<string, string>>) => Promise<string>;
  readonly run: (argv: readonly string[], env?: Readonly<Record<string, string>>) => Promise<CommandResult>;
  /** Compiles bench/NAME.c as the launcher is compiled; gives the program's path. */
  readonly compile: (name: string) => Promise<string>;
  readonly close: () => void;
};

/** Sets everything up in a new directory below /tmp; as root, for the account `slipway-bench`. */
export async function openLaunchRig(): Promise<LaunchRig> {
  const { uid, gid, name, drop } = await ordinaryUser();
  const base = mkdtempSync('/tmp/slipway-bench-');
  chmodSync(base, 0o755);
  const own = (path: string): string => {
    mkdirSync(path, { mode: 0o700 });
    if (drop.length > 0) chownSync(path, uid, gid);
    return path;
  };
  const home = own(join(base, 'home'));
  const runtime = own(join(base, 'run'));
  const options = (env: Readonly<Record<string, string>> = {}): CommandOptions => ({
    cwd: home,
    env: {
      PATH: `${join(root, 'bin')}:/usr/local/bin:/usr/bin:/bin`,
      HOME: home,
      USER: name,
      LOGNAME: name,
      LANG: 'C.UTF-8',
      XDG_RUNTIME_DIR: runtime,
      ...env,
    },
    timeoutMs: 600_000,
  });
  const asUser = {
    home,
    runOk: (argv: readonly string[], env?: Readonly<Record<string, string>>) => runOk([...drop, ...argv], options(env)),
    run: (argv: readonly string[], env?: Readonly<Record<string, string>>) => run([...drop, ...argv], options(env)),
  };
  const images = await makeImages({
    home,
    runOk: (argv, given) =>
      runOk([...drop, ...argv], { ...options(), ...(given?.input === undefined ? {} : { input: given.input }) }),
  });
  const compiler = (await run(['sh', '-c', 'command -v musl-gcc || command -v cc'])).stdout.trim();
  return {
    ...asUser,
    plans: join(runtime, 'slipway'),
    images,
    compile: async (program) => {
      const output = join(base, program);
      const source = join(root, 'bench', `${program}.c`);
      await runOk([
        compiler,
        '-std=c11',
        '-D_GNU_SOURCE',
        '-O2',
        '-Wall',
        '-Wextra',
        '-static',
        '-s',
        '-o',
        output,
        source,
      ]);
      return output;
    },
    close: () => rmSync(base, { recursive: true, force: true }),
  };
}

async function ordinaryUser(): Promise<{ uid: number; gid: number; name: string; drop: readonly string[] }> {
  const self = userInfo();
  if (self.uid !== 0) return { uid: self.uid, gid: self.gid, name: self.username, drop: [] };
  const lookUp = async (): Promise<readonly number[]> => {
    const { status, stdout } = await run(['getent', 'passwd', account]);
    return status === 0 ? stdout.split(':').slice(2, 4).map(Number) : [];
  };
  if ((await lookUp()).length === 0) await runOk(['useradd', '--no-create-home', '--shell', '/bin/sh', account]);
  const [uid, gid] = await lookUp();
  if (uid === undefined || gid === undefined) throw new Error(`account ${account} is not to be had`);
  const drop = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--inh-caps=-all', '--'];
  return { uid, gid, name: account, drop };
}

/** What spawn.c says of one run. */
export type Sample = {
  readonly which: number;
  readonly wallUs: number;
  readonly cpuUs: number;
  readonly maxRssKb: number;
  readonly failed: number;
};

/** @throws Error when a run failed: its time would mean nothing. */
export function parseSamples(text: string): readonly Sample[] {
  const samples = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ').map(Number))
    .map(([which = 0, wallNs = 0, cpuUs = 0, maxRssKb = 0, failed = 1]) => ({
      which,
      wallUs: wallNs / 1000,
      cpuUs,
      maxRssKb,
      failed,
    }));
  const bad = samples.find(({ failed }) => failed > 0);
  if (bad !== undefined) throw new Error(`command ${bad.which} failed ${bad.failed} times`);
  return samples;
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const [low = Number.NaN, high = low] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (low + high) / 2;
}

/** Says it when the machine has other work, which makes medians mean less. */
export function noteLoad(): void {
  const [load = 0] = loadavg();
  if (load > availableParallelism()) print(`note: load average ${load.toFixed(1)}: other work is running here`);
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
