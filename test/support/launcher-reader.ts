// SPDX-License-Identifier: Apache-2.0
// What the launcher makes of encoded plans: check-plan.c, compiled with the launcher's own plan.c.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The identity with which the reader is compiled. */
export const readerBuild: string = '0123456789abcdef'.repeat(2);

export type ReadPlan =
  | { readonly ok: false; readonly why: string }
  | {
      readonly ok: true;
      /** Statuses, style and age limit in nanoseconds, as the header has them. */
      readonly header: string;
      /** Under which the launcher looks for it. */
      readonly fileName: string;
      /** `BIND 3 "/a" "/b" "why"` */
      readonly records: readonly string[];
    };

export type LauncherReader = {
  readonly read: (plans: readonly Uint8Array[]) => readonly ReadPlan[];
  /** Constants of plan.h and of the C library's headers, by the names that a Plan has for them. */
  readonly constants: () => Readonly<Record<string, number>>;
  readonly close: () => void;
};

/** Compiles the reader; undefined where there is no C compiler. */
export function compileLauncherReader(): LauncherReader | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-plan-reader-'));
  const program = join(folder, 'check-plan');
  const sources = [
    join(import.meta.dirname, 'check-plan.c'),
    resolve(import.meta.dirname, '../../native/launcher/plan.c'),
  ];
  const words = ['-std=c11', '-D_GNU_SOURCE', '-O1', `-DSLIPWAY_BUILD="${readerBuild}"`, '-o', program, ...sources];
  const compiled = spawnSync('cc', words, { encoding: 'utf8' });
  if (compiled.error !== undefined) return undefined;
  if (compiled.status !== 0) throw new Error(compiled.stderr);
  return {
    read: (plans) => {
      const input = Buffer.concat(
        plans.flatMap((plan) => {
          const length = Buffer.alloc(4);
          length.writeUInt32LE(plan.length);
          return [length, plan];
        }),
      );
      const output = execFileSync(program, { input, encoding: 'utf8', maxBuffer: 1 << 28 });
      return output.split('\n.\n').slice(0, -1).map(parseAnswer);
    },
    constants: () => JSON.parse(execFileSync(program, ['constants'], { encoding: 'utf8' })) as Record<string, number>,
    close: () => rmSync(folder, { recursive: true }),
  };
}

function parseAnswer(text: string): ReadPlan {
  const [first = '', name = '', ...records] = text.split('\n');
  if (first.startsWith('no: ')) return { ok: false, why: first.slice(4) };
  return { ok: true, header: first.slice(4), fileName: name.slice('name: '.length), records };
}
