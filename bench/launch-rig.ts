// SPDX-License-Identifier: Apache-2.0
// What the launch benchmarks have in common: an ordinary user with a home and an image, the programs in C, and the
// medians of what they measured.
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, userInfo } from 'node:os';
import { join } from 'node:path';
import { type CommandOptions, type CommandResult, run, runOk } from '../test/support/command.ts';
import { slipwayPrefix } from '../test/support/prefix.ts';
import { type LocalImages, makeImages } from '../test/run/images.ts';

const accountName = 'slipway-bench';

/** Whose launches are measured. The home is the real one: a mount of its own below the image's /home. */
type Account = {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** Words that make a command this account's. */
  readonly drop: readonly string[];
};

export type LaunchRig = {
  readonly account: Account;
  /** The Slipway that is measured. */
  readonly prefix: string;
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
  const account = await ordinaryUser();
  const { uid, gid, name, home, drop } = account;
  const prefix = await slipwayPrefix();
  const base = mkdtempSync('/tmp/slipway-bench-');
  chmodSync(base, 0o755);
  const own = (path: string): string => {
    mkdirSync(path, { mode: 0o700 });
    if (drop.length > 0) chownSync(path, uid, gid);
    return path;
  };
  const work = own(join(base, 'work'));
  const runtime = own(join(base, 'run'));
  const options = (env: Readonly<Record<string, string>> = {}): CommandOptions => ({
    cwd: work,
    env: {
      PATH: `${prefix}/bin:/usr/local/bin:/usr/bin:/bin`,
      HOME: home,
      USER: name,
      LOGNAME: name,
      LANG: 'C.UTF-8',
      XDG_RUNTIME_DIR: runtime,
      ...env,
    },
    timeoutMs: 600_000,
  });
  const asAccount = {
    runOk: (argv: readonly string[], env?: Readonly<Record<string, string>>) => runOk([...drop, ...argv], options(env)),
    run: (argv: readonly string[], env?: Readonly<Record<string, string>>) => run([...drop, ...argv], options(env)),
  };
  const images = await makeImages({
    home: work,
    runOk: (argv, given) =>
      runOk([...drop, ...argv], { ...options(), ...(given?.input === undefined ? {} : { input: given.input }) }),
  });
  const compiler = (await run(['sh', '-c', 'command -v musl-gcc || command -v cc'])).stdout.trim();
  return {
    account,
    prefix,
    ...asAccount,
    plans: join(runtime, 'slipway'),
    images,
    compile: async (program) => {
      const output = join(base, program);
      const source = join(import.meta.dirname, `${program}.c`);
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

async function ordinaryUser(): Promise<Account> {
  const self = userInfo();
  if (self.uid !== 0) return { name: self.username, uid: self.uid, gid: self.gid, home: self.homedir, drop: [] };
  const lookUp = async (): Promise<readonly string[]> =>
    (await run(['getent', 'passwd', accountName])).stdout.trim().split(':');
  if ((await lookUp()).length < 7) await runOk(['useradd', '--create-home', '--shell', '/bin/sh', accountName]);
  const [, , uid, gid, , home = '/'] = await lookUp();
  if (uid === undefined || gid === undefined) throw new Error(`account ${accountName} is not to be had`);
  const drop = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--inh-caps=-all', '--'];
  return { name: accountName, uid: Number(uid), gid: Number(gid), home, drop };
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
