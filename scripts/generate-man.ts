// SPDX-License-Identifier: Apache-2.0
// Writes man pages and shell completions below a share directory: `generate-man.ts SHARE VERSION DATE`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type CommandDescription,
  type CompletionTree,
  manPageName,
  renderBashCompletion,
  renderManPage,
  renderZshCompletion,
} from '../src/formats/getopt/index.ts';
import { commandTrees } from './command-trees.ts';

const [share = '', version = '', date = ''] = process.argv.slice(2);

const title = (command: CommandDescription): string => `${manPageName(command)}(1)`;

function manPages({ command, subcommands }: CompletionTree): readonly (readonly [string, string])[] {
  return [command, ...subcommands].map((described) => {
    const related = described === command ? subcommands : [command];
    const text = renderManPage(described, {
      section: 1,
      source: `slipway ${version}`,
      date,
      seeAlso: related.length === 0 ? ['slipway(1)'] : related.map(title),
    });
    return [`man/man1/${manPageName(described)}.1`, text] as const;
  });
}

const files = new Map(
  commandTrees.flatMap((tree) => [
    ...manPages(tree),
    // Where bash-completion and zsh look below a prefix.
    [`bash-completion/completions/${tree.command.name}`, renderBashCompletion(tree)] as const,
    [`zsh/site-functions/_${tree.command.name}`, renderZshCompletion(tree)] as const,
  ]),
);
for (const [name, text] of files) {
  const path = join(share, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
