// SPDX-License-Identifier: Apache-2.0
import type { ExplainedPlan } from '../../plan/index.ts';
import { printable } from './printable.ts';

/** A plan for people: its steps by number, who asked for each, and what it depends on. */
export function planInWords(explained: ExplainedPlan, subject: string): string {
  const widest = Math.min(72, Math.max(...explained.steps.map(({ text }) => text.length)));
  const steps = explained.steps.map(({ text, origin }, index) => {
    const number = `${String(index + 1).padStart(3)}. `;
    const why = origin === '' ? '' : `  [${origin}]`;
    return `${number}${printable(text.padEnd(why === '' ? 0 : widest))}${printable(why)}`;
  });
  return [
    `Image ${printable(subject)}; for the command line: ${printable(explained.covers)}`,
    '',
    ...steps,
    '',
    'The plan is used again for as long as this stays the same:',
    ...explained.dependsOn.map((text) => `  ${printable(text)}`),
    '',
  ].join('\n');
}
