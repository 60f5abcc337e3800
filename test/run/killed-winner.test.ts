// SPDX-License-Identifier: Apache-2.0
// 64 ranks wait for what one of them does for all: the plan, or the mount. When that one is killed with it half done,
// another does it, and all of them run.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { needs } from '../support/needs.ts';
import { acquireTestUser } from '../support/user.ts';
import { imageCommands, makeImages } from './images.ts';
import { type Launch, launch } from './launch.ts';
import { talkWith } from './talk.ts';

const skip = needs({ commands: imageCommands, userNamespaces: true, fuse: true });
const deadlineMs = 60_000;
const crowd = 64;

suite('when the rank that all wait for is killed', { skip }, async () => {
  const user = await acquireTestUser();
  const { squashfs } = await makeImages(user);
  let turn = 0;

  const textOf = (path: string): string => readFileSync(path, 'utf8');
  /** The user's processes, alive, for which `matches` is true of their directory in /proc. */
  const find = (matches: (path: string) => boolean): readonly number[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((name) => {
        try {
          const status = textOf(`/proc/${name}/status`);
          const isOurs = Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]) === user.uid;
          return isOurs && !/^State:\s+[ZX]/m.test(status) && matches(`/proc/${name}`);
        } catch {
          return false; // it ended meanwhile
        }
      })
      .map(Number);
  const plans = join(user.runtimeDirectory, 'slipway');
  const planners = (): readonly number[] => find((path) => textOf(`${path}/cmdline`).includes('\0--plan-fd='));
  /** Those whose socket does not have its name yet. */
  const holders = (): readonly number[] =>
    find((path) => {
      const isHolder = textOf(`${path}/comm`) === 'slipway-holder\n';
      return isHolder && readdirSync(plans).some((name) => name.endsWith(`.${basename(path)}`));
    });
  const send = (pid: number, signal: NodeJS.Signals): boolean => {
    try {
      return process.kill(pid, signal);
    } catch {
      return false; // it has ended by itself
    }
  };

  /**
   * Starts a rank, and stops what works for it, one of `workers`, before that is done. A worker that was faster goes on,
   * and another rank is tried, each with a plan and a holder of its own.
   */
  const stopHalfway = async (workers: () => readonly number[]) => {
    const deadline = Date.now() + deadlineMs;
    for (;;) {
      assert.ok(Date.now() < deadline, 'no worker was caught at work');
      turn += 1;
      const job = { SLURM_JOB_ID: String(turn), SLIPWAY_LINGER: '0' };
      const words = [`--env=TURN=${turn}`, squashfs, '--', 'echo', 'ran'];
      const winner = talkWith(user, ['slipway', 'run', ...words], { env: job });
      const ended = winner.end.then(() => true);
      let worker: number | undefined;
      do worker = workers()[0];
      while (worker === undefined && !(await Promise.race([ended, delay(0, false)])));
      if (worker !== undefined && send(worker, 'SIGSTOP')) {
        const isStopped = (path: string): boolean => /^State:\s+T/m.test(textOf(`${path}/status`));
        while (find((path) => basename(path) === String(worker) && !isStopped(path)).length > 0) await delay(1);
        if (workers().includes(worker)) return { winner, worker, words, job };
        send(worker, 'SIGCONT');
      }
      await winner.end;
    }
  };

  /** Starts the crowd, and returns when all of it waits for the winner's lock. */
  const startCrowd = async (words: readonly string[], env: Readonly<Record<string, string>>) => {
    const ranks = Array.from({ length: crowd }, (_, rank) =>
      launch(user, words, { env: { ...env, SLURM_PROCID: String(rank) }, timeoutMs: deadlineMs }),
    );
    const deadline = Date.now() + deadlineMs;
    const waiting = (): number =>
      find((path) => new RegExp(`-> FLOCK +ADVISORY +WRITE ${basename(path)} `).test(textOf('/proc/locks'))).length;
    while (waiting() < crowd) {
      assert.ok(Date.now() < deadline, `${waiting()} of ${crowd} wait`);
      await delay(20);
    }
    return ranks;
  };

  const expectAllRan = async (ranks: readonly Promise<Launch>[]): Promise<readonly Launch[]> => {
    const launches = await Promise.all(ranks);
    for (const { status, stdout, said } of launches) assert.deepEqual([status, stdout], [0, 'ran\n'], said);
    return launches;
  };

  test('at planning: another plans, once for all, and the planner goes with who started it', async () => {
    const { winner, worker, words, job } = await stopHalfway(planners);
    const ranks = await startCrowd(words, job);
    send(winner.pid, 'SIGKILL');
    const launches = await expectAllRan(ranks);
    assert.equal(launches.filter(({ wasPlanned }) => wasPlanned).length, 1);
    assert.equal((await winner.end).signal, 'SIGKILL');
    assert.ok(!planners().includes(worker), 'it was stopped, and is dead all the same');
    const left = readdirSync(plans);
    assert.deepEqual(
      left.filter((name) => name.includes('~')),
      [],
      'no unfinished files',
    );
  });

  test('at planning, the planner alone: its rank ends as it did, another plans', async () => {
    const { winner, worker, words, job } = await stopHalfway(planners);
    const ranks = await startCrowd(words, job);
    send(worker, 'SIGKILL');
    const launches = await expectAllRan(ranks);
    assert.equal(launches.filter(({ wasPlanned }) => wasPlanned).length, 1);
    assert.equal((await winner.end).signal, 'SIGKILL');
  });

  test('at mounting: another starts a holder; the one half done finds nobody, and goes', async () => {
    const { winner, worker, words, job } = await stopHalfway(holders);
    const ranks = await startCrowd(words, job);
    send(winner.pid, 'SIGKILL');
    const launches = await expectAllRan(ranks);
    assert.ok(launches.some(({ holder }) => holder === 'started'));
    send(worker, 'SIGCONT');
  });

  test('at mounting, the holder alone: its rank says so, another starts one', async () => {
    const { winner, worker, words, job } = await stopHalfway(holders);
    const ranks = await startCrowd(words, job);
    send(worker, 'SIGKILL');
    const launches = await expectAllRan(ranks);
    assert.ok(launches.some(({ holder }) => holder === 'started'));
    assert.equal((await winner.end).status, 125);
  });
});
