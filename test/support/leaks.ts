// SPDX-License-Identifier: Apache-2.0
// What tests may not leave behind on the machine: mounts, processes of the test users. A holder goes
// by itself a few seconds after its last user, so a check waits a little before it accuses.
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export type LeakSnapshot = { readonly mounts: ReadonlySet<string> };

/** The state to compare with later. */
export function takeLeakSnapshot(): LeakSnapshot {
  return { mounts: new Set(readMounts()) };
}

/**
 * What is there now and was not then, one line each; empty when nothing is. Waits up to `patienceMs` (a minute when left
 * out) for what goes by itself. `isOurs` narrows the mounts, for a check while other tests run.
 */
export async function leaksSince(
  before: LeakSnapshot,
  options: { readonly patienceMs?: number; readonly isOurs?: (mountPoint: string) => boolean } = {},
): Promise<readonly string[]> {
  const isOurs = options.isOurs ?? ((mountPoint: string) => /slipway/.test(mountPoint));
  const findNow = (): readonly string[] =>
    readMounts()
      .filter((mountPoint) => !before.mounts.has(mountPoint) && isOurs(mountPoint))
      .map((mountPoint) => `mount ${mountPoint}`);
  return untilEmpty(findNow, options.patienceMs ?? 60_000);
}

/** The processes that run as `uid`, as `PID COMMAND`, after waiting up to `patienceMs` for them to go. */
export async function processesOf(uid: number, patienceMs: number): Promise<readonly string[]> {
  return untilEmpty(() => readProcesses(uid), patienceMs);
}

async function untilEmpty(findNow: () => readonly string[], patienceMs: number): Promise<readonly string[]> {
  const deadline = Date.now() + patienceMs;
  let found = findNow();
  while (found.length > 0 && Date.now() < deadline) {
    await delay(100);
    found = findNow();
  }
  return found;
}

function readMounts(): readonly string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' ')[4] ?? '');
}

function readProcesses(uid: number): readonly string[] {
  const found: string[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8');
      const isDead = /^State:\s+[ZX]/m.test(status);
      if (Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]) !== uid || isDead) continue;
      found.push(`${name} ${readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trimEnd()}`);
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}
