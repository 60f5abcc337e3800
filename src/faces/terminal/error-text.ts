// SPDX-License-Identifier: Apache-2.0
import { SlipwayError, describeError } from '../../model/index.ts';
import { printable } from './printable.ts';

/**
 * What a failure looks like on stderr: `PROGRAM: what failed`, then the hint on a line of its own. A failure that is no
 * SlipwayError is a defect: `isDetailed` adds where it happened.
 */
export function errorText(program: string, error: unknown, isDetailed: boolean): string {
  const lines = [`${program}: ${printable(describeError(error))}`];
  if (error instanceof SlipwayError) {
    if (error.hint !== undefined) lines.push(`  hint: ${printable(error.hint)}`);
  } else if (!isDetailed) {
    lines.push('  hint: this is a defect; set SLIPWAY_DEBUG=1 to see where it happened');
  }
  if (isDetailed && error instanceof Error) lines.push(...(error.stack ?? '').split('\n').slice(1).map(printable));
  return `${lines.join('\n')}\n`;
}

/** The exit status that a failure asks for; 125 for a defect. */
export function exitStatusOf(error: unknown): number {
  return error instanceof SlipwayError ? error.exitStatus : 125;
}
