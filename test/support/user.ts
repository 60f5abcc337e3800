// SPDX-License-Identifier: Apache-2.0
// The ordinary user as whom end-to-end tests run Slipway: an account without privilege, an empty home, a clean
// environment. As root it is one of a few accounts made with useradd, held by one test file at a time, so that files
// can run side by side and each can be held to account for what it leaves; for anyone else it is the caller.
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type CommandOptions, type CommandResult, run, runOk } from './command.ts';
import { devCache } from './dev-cache.ts';
import { leaksSince, processesOf, takeLeakSnapshot } from './leaks.ts';
import { findOnPath, isRoot } from './needs.ts';
import { slipwayPrefix } from './prefix.ts';
import { onEnd } from './on-end.ts';

export type TestUser = {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Temporary and empty at first, as are the two below; all are the user's and go with the test. */
  readonly home: string;
  readonly runtimeDirectory: string;
  readonly temporaryDirectory: string;
  /** Slipway under test. */
  readonly prefix: string;
  /** PATH (the prefix's bin first), HOME, USER, LOGNAME, SHELL, LANG, TMPDIR, XDG_RUNTIME_DIR. */
  readonly env: Readonly<Record<string, string>>;
  /** The words that run `argv` as this user: for a program that starts it itself (strace, srun, a service). */
  readonly command: (argv: readonly string[]) => readonly string[];
  /** Runs as this user in its home; `env` adds to the environment above, and undefined takes a variable away. */
  readonly run: (argv: readonly string[], options?: UserCommandOptions) => Promise<CommandResult>;
  /** The same, and the status must be 0; gives stdout. */
  readonly runOk: (argv: readonly string[], options?: UserCommandOptions) => Promise<string>;
  /** A directory of this name that is the user's, beside the home. */
  readonly makeDirectory: (name: string) => string;
};

export type UserCommandOptions = Omit<CommandOptions, 'env'> & {
  readonly env?: Readonly<Record<string, string | undefined>>;
};

const accountCount = 6;

/**
 * An ordinary user for the calling suite or test. Afterwards the user's processes must be gone and no mount of theirs
 * be left, after `patienceMs` (60,000 when left out: a holder stays a while after its last user), else the suite
 * fails; the home is removed. `prefix` is another Slipway than the one under test.
 */
export async function acquireTestUser(
  options: { readonly patienceMs?: number; readonly prefix?: string } = {},
): Promise<TestUser> {
  const prefix = options.prefix ?? (await slipwayPrefix());
  const account = isRoot() ? await holdAccount() : currentAccount();
  const { name, uid, gid } = account;
  const base = mkdtempSync('/tmp/slipway-test-');
  const before = takeLeakSnapshot();
  const makeOwn = (path: string, mode: number): string => {
    mkdirSync(path, { recursive: true });
    chmodSync(path, mode);
    if (isRoot()) chownSync(path, uid, gid);
    return path;
  };
  chmodSync(base, 0o755);
  const home = makeOwn(join(base, 'home'), 0o700);
  const runtimeDirectory = makeOwn(join(base, 'run'), 0o700);
  const temporaryDirectory = makeOwn(join(base, 'tmp'), 0o700);

  onEnd(async () => {
    // Without an account of its own, whose processes are the tests' can't be told.
    const processes = isRoot() ? await processesOf(uid, options.patienceMs ?? 60_000) : [];
    const mounts = await leaksSince(before, { patienceMs: 30_000, isOurs: (point) => point.startsWith(`${base}/`) });
    for (const line of processes) kill(Number.parseInt(line, 10));
    rmSync(base, { recursive: true, force: true });
    account.release();
    const left = [...processes.map((line) => `process ${line}`), ...mounts];
    if (left.length > 0) throw new Error(`${name} left behind:\n${left.join('\n')}`);
  });

  const env = {
    PATH: `${prefix}/bin:/usr/local/bin:/usr/bin:/bin`,
    HOME: home,
    USER: name,
    LOGNAME: name,
    SHELL: '/bin/sh',
    LANG: 'C.UTF-8',
    TMPDIR: temporaryDirectory,
    XDG_RUNTIME_DIR: runtimeDirectory,
  };
  // By its path: the user's PATH, in which a name would be looked up, is the test's to choose.
  const setpriv = findOnPath('setpriv') ?? '/usr/bin/setpriv';
  const command = (argv: readonly string[]): readonly string[] =>
    isRoot() ? [setpriv, `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--inh-caps=-all', '--', ...argv] : argv;
  const settle = (options: UserCommandOptions = {}): CommandOptions => ({
    cwd: home,
    ...options,
    env: Object.fromEntries(
      Object.entries({ ...env, ...options.env }).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    ),
  });
  return {
    name,
    uid,
    gid,
    home,
    runtimeDirectory,
    temporaryDirectory,
    prefix,
    env,
    command,
    run: (argv, options) => run(command(argv), settle(options)),
    runOk: (argv, options) => runOk(command(argv), settle(options)),
    makeDirectory: (directory) => makeOwn(join(base, directory), 0o755),
  };
}

type Account = { readonly name: string; readonly uid: number; readonly gid: number; readonly release: () => void };

function currentAccount(): Account {
  const { username, uid, gid } = userInfo();
  return { name: username, uid, gid, release: () => undefined };
}

/** How long to wait for other test files to give an account back. */
const patienceMs = 300_000;

async function holdAccount(): Promise<Account> {
  const deadline = Date.now() + patienceMs;
  for (let number = 1; ; number = (number % accountCount) + 1) {
    const name = `slipway-test-${number}`;
    const release = await tryLock(join(devCache(), `${name}.lock`));
    if (release !== undefined) {
      const { uid, gid } = await ensureAccount(name);
      // What a test run that was killed left running.
      for (const line of await processesOf(uid, 0)) kill(Number.parseInt(line, 10));
      return { name, uid, gid, release };
    }
    if (Date.now() > deadline) throw new Error(`all ${accountCount} test accounts are held; are other tests running?`);
    if (number === accountCount) await delay(500);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** Makes the account when it is missing. */
async function ensureAccount(name: string): Promise<{ readonly uid: number; readonly gid: number }> {
  const lookUp = async (): Promise<readonly number[] | undefined> => {
    const { status, stdout } = await run(['getent', 'passwd', name]);
    return status === 0 ? stdout.split(':').slice(2, 4).map(Number) : undefined;
  };
  let ids = await lookUp();
  if (ids === undefined) {
    await runOk(['useradd', '--create-home', '--shell', '/bin/sh', name]);
    ids = await lookUp();
  }
  const [uid, gid] = ids ?? [];
  if (uid === undefined || gid === undefined || uid === 0) throw new Error(`account ${name} is not to be had`);
  return { uid, gid };
}

/** Holds flock(2) on a file by way of a child, which ends, and the lock with it, when this process does. */
async function tryLock(path: string): Promise<(() => void) | undefined> {
  const child = spawn('flock', ['--nonblock', path, 'sh', '-c', 'echo held; read -r _'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const isHeld = await new Promise<boolean>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => resolve(false));
    child.stdout.once('data', () => resolve(true));
  });
  if (!isHeld) return undefined;
  // A file whose suite could not be made gives nothing back by itself: it must end all the same.
  child.unref();
  for (const stream of [child.stdin, child.stdout]) if (stream instanceof Socket) stream.unref();
  return () => {
    child.stdin.end();
  };
}
