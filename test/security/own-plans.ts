// SPDX-License-Identifier: Apache-2.0
// Plans of a test's own making, kept where the launcher looks: so that it can be asked for what no command line asks.
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Step } from '../../src/model/index.ts';
import { encodePlan, planFileName } from '../../src/plan/index.ts';
import { isRoot } from '../support/needs.ts';
import type { TestUser } from '../support/user.ts';
import { buildIdentity } from './build-native.ts';

export type PlanKeeper = {
  /** Keeps a plan that always holds; gives the words that launch it, for any command behind them. */
  readonly keep: (name: string, steps: readonly Step[]) => readonly string[];
};

export function planKeeper(user: TestUser): PlanKeeper {
  const build = buildIdentity(user.prefix);
  const directory = join(user.runtimeDirectory, 'slipway');
  const own = (path: string, mode: number): void => {
    chmodSync(path, mode);
    if (isRoot()) chownSync(path, user.uid, user.gid);
  };
  mkdirSync(directory, { recursive: true });
  own(directory, 0o700);
  return {
    keep: (name, steps) => {
      const covers = { words: ['slipway', 'run', name, '--'], isExact: false };
      const statuses = { own: 125, notFound: 127, notExecutable: 126 };
      const plan = { covers, subject: name, style: 'slipway', statuses, trace: [], steps } as const;
      const path = join(directory, planFileName(covers));
      writeFileSync(path, encodePlan(plan, build, 0n));
      own(path, 0o600);
      return covers.words;
    },
  };
}

/** The steps that every plan of an image begins with: the user's own namespaces. */
export function ownNamespaces(user: TestUser): Step {
  return { step: 'namespaces', namespaces: ['user', 'mount'], uid: user.uid, gid: user.gid, origin: 'a test' };
}
