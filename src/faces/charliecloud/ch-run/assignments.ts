// SPDX-License-Identifier: Apache-2.0
// The texts of --set-env: records NAME=VALUE, a line or a NUL-terminated piece each.
import { SlipwayError } from '../../../model/index.ts';
import type { Inputs } from '../../../sys/inputs.ts';
import { systemError } from '../../../sys/system-error.ts';

export type Assignment = { readonly name: string; readonly value: string };

/**
 * Reads records; empty ones are skipped, and single quotes around a whole value dropped.
 * @param nameOf says, for messages, where the record with this index is from.
 * @throws SlipwayError `charliecloud-variable`
 */
export function parseAssignments(records: readonly string[], nameOf: (index: number) => string): readonly Assignment[] {
  return records.flatMap((record, index) => {
    if (record === '') return [];
    const equals = record.indexOf('=');
    if (equals < 0) {
      throw new SlipwayError('charliecloud-variable', { reason: `no delimiter: ${nameOf(index)}` });
    }
    if (equals === 0) {
      throw new SlipwayError('charliecloud-variable', { reason: `empty name: ${nameOf(index)}` });
    }
    const text = record.slice(equals + 1);
    const isQuoted = text.length >= 2 && text.startsWith("'") && text.endsWith("'");
    return [{ name: record.slice(0, equals), value: isQuoted ? text.slice(1, -1) : text }];
  });
}

/** The assignments in a file of the host. @throws SlipwayError `charliecloud-open`, `charliecloud-variable` */
export function readEnvironmentFile(path: string, separator: string, inputs: Inputs): readonly Assignment[] {
  let text: string | undefined;
  try {
    text = inputs.readText(inputs.absolute(path));
  } catch (cause) {
    throw new SlipwayError('charliecloud-open', { path }, { cause: cause instanceof Error ? cause.cause : cause });
  }
  if (text === undefined) throw new SlipwayError('charliecloud-open', { path }, { cause: systemError('ENOENT') });
  return parseAssignments(text.split(separator), (index) => `${path}:${index + 1}`);
}

/** Whether a piece of the value names a variable, which stands for that variable's value at launch. */
export function hasVariables(value: string): boolean {
  return value.split(':').some((item) => item.length > 1 && item.startsWith('$'));
}
