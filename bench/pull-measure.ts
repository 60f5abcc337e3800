// SPDX-License-Identifier: Apache-2.0
// What a command costs: wall time, processor time of it and all it waited for, memory of all of it together.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';

export type Cost = {
  readonly wallMs: number;
  readonly cpuMs: number;
  /** The most that its processes had resident at one time, sampled every 50 ms; shared pages count for each. */
  readonly peakBytes: number;
};

/** Runs a command that must succeed; uses GNU time for the processor time. */
export async function measure(
  argv: readonly string[],
  options: { readonly env: Readonly<Record<string, string>>; readonly cwd: string },
): Promise<Cost> {
  const child = spawn('/usr/bin/time', ['-f', 'cpu-seconds %U %S', ...argv], {
    env: options.env,
    cwd: options.cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const begun = performance.now();
  let peakBytes = 0;
  const sampler = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytes(child.pid ?? 0));
  }, 50);
  try {
    const closed = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const [status, said] = await Promise.all([closed, text(child.stderr)]);
    const wallMs = performance.now() - begun;
    const cpu = /cpu-seconds ([\d.]+) ([\d.]+)\s*$/.exec(said);
    if (status !== 0 || cpu === null) throw new Error(`${argv.join(' ')}: status ${status}\n${said}`);
    return { wallMs, cpuMs: (Number(cpu[1]) + Number(cpu[2])) * 1000, peakBytes };
  } finally {
    clearInterval(sampler);
  }
}

/** The costs of steps done one after another. */
export function sumCosts(costs: readonly Cost[]): Cost {
  return {
    wallMs: costs.reduce((sum, cost) => sum + cost.wallMs, 0),
    cpuMs: costs.reduce((sum, cost) => sum + cost.cpuMs, 0),
    peakBytes: Math.max(...costs.map((cost) => cost.peakBytes)),
  };
}

/** Of a process and all below it. */
function residentBytes(pid: number): number {
  try {
    // statm counts pages: size, resident, …
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ');
    return pages * 4096 + children.reduce((sum, child) => sum + (child === '' ? 0 : residentBytes(Number(child))), 0);
  } catch {
    // It has ended.
    return 0;
  }
}
