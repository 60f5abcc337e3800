// SPDX-License-Identifier: Apache-2.0
// The size of --write-fake, as tmpfs(5) takes it.
import { SlipwayError } from '../../../model/index.ts';
import { memoryBytes } from '../../../sys/this-machine.ts';
import { systemError } from '../../../sys/system-error.ts';

const units: Readonly<Record<string, number>> = { '': 1, 'k': 2 ** 10, 'm': 2 ** 20, 'g': 2 ** 30 };

/**
 * Bytes of a number with k, m, g or % (of this machine's memory) behind it.
 * @throws SlipwayError `charliecloud-overlay-size`
 */
export function fakeSizeBytes(text: string): number {
  const found = /^([0-9]{1,15})([kmg%]?)$/i.exec(text);
  const number = Number(found?.[1] ?? 0);
  const unit = found?.[2]?.toLowerCase() ?? '';
  const bytes = unit === '%' ? Math.floor((memoryBytes() * number) / 100) : number * (units[unit] ?? 1);
  if (found === null || bytes < 1) {
    throw new SlipwayError('charliecloud-overlay-size', {}, { cause: systemError('EINVAL') });
  }
  return Math.min(bytes, 2 ** 52);
}
