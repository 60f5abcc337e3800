// SPDX-License-Identifier: Apache-2.0
import { integer, nat, oneof, string, type Arbitrary, type StringConstraints } from 'fast-check';

/**
 * Texts of any characters, control characters among them more often than chance has them. fast-check's own `binary`
 * unit gives the same, after most of a second of preparing how to shrink examples that nobody gives here.
 */
export function anyText(constraints: Omit<StringConstraints, 'unit'> = {}): Arbitrary<string> {
  const codePoints = oneof(nat(0x7f), nat(0xd7ff), integer({ min: 0xe000, max: 0x10ffff }));
  return string({ ...constraints, unit: codePoints.map((point) => String.fromCodePoint(point)) });
}
