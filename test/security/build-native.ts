// SPDX-License-Identifier: Apache-2.0
// What the security tests build from native/: kept between runs, since only a change of the source makes it anew.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runOk } from '../support/command.ts';
import { devCache } from '../support/dev-cache.ts';

const native = resolve(import.meta.dirname, '../../native');

/** The directory that holds what `make TARGET` made; `build` is the identity that a launcher gets. */
export async function buildNative(target: string, build?: string): Promise<string> {
  const out = join(devCache(), 'native', target);
  const words = ['make', '--no-print-directory', '-s', '-C', native, target, `OUT=${out}`];
  // By its own lock: test files run side by side.
  await runOk(['mkdir', '-p', out]);
  await runOk(['flock', `${out}.lock`, ...words, ...(build === undefined ? [] : [`BUILD=${build}`])], {
    timeoutMs: 600_000,
  });
  return out;
}

/** The identity that the launcher of a prefix was built with: plans must carry the same. */
export function buildIdentity(prefix: string): string {
  const launcher = readFileSync(join(prefix, 'bin/slipway')).toString('latin1');
  const [build] = /(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/.exec(launcher) ?? [];
  if (build === undefined) throw new Error(`${prefix}/bin/slipway holds no identity of a build`);
  return build;
}
