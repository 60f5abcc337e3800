// SPDX-License-Identifier: Apache-2.0
// What this machine's processors can do, in the words of glibc-hwcaps (ld.so(8), "The glibc-hwcaps mechanism"). Not part
// of any trace: it can't change while the machine is up, and plans are kept on the machine that made them.
import { readFileSync } from 'node:fs';

/** The features of each x86-64 level beyond the one before, by the kernel's names (x86-64 psABI, table 3.1). */
const x86Levels = [
  ['x86-64-v2', ['cx16', 'lahf_lm', 'popcnt', 'sse4_1', 'sse4_2', 'ssse3']],
  ['x86-64-v3', ['avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'abm', 'movbe', 'xsave']],
  ['x86-64-v4', ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl']],
] as const;

/** Subdirectories of glibc-hwcaps that this machine's loader looks into, best first; none where that is not known. */
export function processorHwcaps(): readonly string[] {
  let text: string;
  try {
    text = readFileSync('/proc/cpuinfo', 'latin1');
  } catch {
    return [];
  }
  return hwcapsOf(text);
}

/** The same of the text of /proc/cpuinfo. */
export function hwcapsOf(cpuinfo: string): readonly string[] {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/));
  const levels: string[] = [];
  for (const [name, wanted] of x86Levels) {
    if (!wanted.every((flag) => flags.has(flag))) break;
    levels.unshift(name);
  }
  return levels;
}
