// SPDX-License-Identifier: Apache-2.0
// The pages of docs/reference that are made from tables of the program: generate-docs writes them, and its test finds
// out when they are stale.
import { type CompletionTree, renderHelp } from '../src/formats/getopt/index.ts';
import type { ErrorEntry, ErrorTable } from '../src/model/errors/entry.ts';
import { errorTable } from '../src/model/errors.ts';
import { commandTrees } from './command-trees.ts';

const notice = '<!-- Made by scripts/generate-docs; do not edit. -->';

/** The text of each page, by its path in the checkout. */
export function referencePages(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/reference/errors.md', errorsPage(errorTable)],
    ...commandTrees.map((tree) => [`docs/reference/${tree.command.name}.md`, commandPage(tree)] as const),
  ]);
}

function errorsPage(table: ErrorTable): string {
  return `${[
    notice,
    '# Errors',
    '',
    'Every failure that Slipway tells people about, by its code. On a terminal it looks like',
    '',
    '    slipway: MESSAGE',
    '      hint: HINT',
    '',
    'Programs find the code in JSON output (`slipway pull --json`). Words in braces are filled in; causes follow the',
    'message in brackets. A hint may be replaced by a better one where more is known. A failure that is not in this list',
    'is a defect; please report it with what `SLIPWAY_DEBUG=1` adds.',
    ...Object.entries(table).map(([code, entry]) => errorSection(code, entry)),
  ].join('\n')}\n`;
}

function errorSection(code: string, { message, hint, exitStatus, httpStatus }: ErrorEntry): string {
  const hints = hint === undefined ? [] : [`Hint: ${inline(hint)}  `];
  return [
    '',
    `## ${code}`,
    '',
    `${inline(message)}  `,
    ...hints,
    `Exit status ${exitStatus}, HTTP status ${httpStatus}`,
  ].join('\n');
}

/** Text of a template, of which Markdown makes nothing but what `code` between backticks is. */
function inline(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll(/[\\*_<>[\]#|~]/g, String.raw`\$&`)))
    .join('');
}

function commandPage({ command, subcommands }: CompletionTree): string {
  return `${[
    notice,
    `# The ${command.name} command`,
    '',
    subcommands.length === 0 ? 'What its man page says.' : 'What its man pages say.',
    ...[command, ...subcommands].flatMap((description) => [
      '',
      `## ${description.name}`,
      '',
      '```text',
      renderHelp(description, 100).trimEnd(),
      '```',
    ]),
  ].join('\n')}\n`;
}
