// SPDX-License-Identifier: Apache-2.0
import { SlipwayError } from '../../model/index.ts';
import { commands } from './commands.ts';

/** What people type who come from docker, podman or apptainer, and what they mean here. */
const otherWords: Readonly<Record<string, string>> = {
  ls: 'images',
  list: 'images',
  image: 'images',
  remove: 'rm',
  rmi: 'rm',
  delete: 'rm',
  exec: 'run',
  shell: 'run',
  info: 'doctor',
  check: 'doctor',
  show: 'inspect',
  download: 'pull',
  version: '--version',
};

/** The error for a word that is no command; its hint names the command that may have been meant. */
export function unknownCommand(word: string): SlipwayError {
  const fields = { command: `"${word.slice(0, 100)}"`, program: 'slipway' };
  const meant = otherWords[word] ?? nearestCommand(word);
  return new SlipwayError(
    'command-unknown',
    fields,
    meant === undefined ? {} : { hint: `did you mean: slipway ${meant}` },
  );
}

function nearestCommand(word: string): string | undefined {
  const ranked = commands
    .map(({ name }) => ({ name, distance: name.startsWith(word) ? 0 : editDistance(word.slice(0, 40), name) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best !== undefined && best.distance <= Math.max(1, Math.floor(best.name.length / 3)) ? best.name : undefined;
}

/** Insertions, deletions, replacements and exchanges of neighbours that lead from `a` to `b`. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Infinity;
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    rows.push(current);
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1];
      const isExchanged = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + (isSame ? 0 : 1),
        isExchanged ? at(row - 2, column - 2) + 1 : Infinity,
      );
    }
  }
  return at(a.length, b.length);
}
