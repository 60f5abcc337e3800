// SPDX-License-Identifier: Apache-2.0
// Writes man pages and shell completions below a share directory: `generate-man.ts SHARE VERSION DATE`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { commands, completionTree, rootDescription } from '../src/faces/slipway/commands.ts';
import {
  type CommandDescription,
  manPageName,
  renderBashCompletion,
  renderManPage,
  renderZshCompletion,
} from '../src/formats/getopt/index.ts';

const [share = '', version = '', date = ''] = process.argv.slice(2);

const root = rootDescription;
const subcommands = commands.map(({ description }) => description);
const title = (command: CommandDescription): string => `${manPageName(command)}(1)`;

function manPage(command: CommandDescription): string {
  const related = command === root ? subcommands : [root];
  const seeAlso = related.map(title);
  return renderManPage(command, { section: 1, source: `slipway ${version}`, date, seeAlso });
}

const files = new Map([
  ...[root, ...subcommands].map((command) => [`man/man1/${manPageName(command)}.1`, manPage(command)] as const),
  // Where bash-completion and zsh look below a prefix.
  [`bash-completion/completions/${root.name}`, renderBashCompletion(completionTree)] as const,
  [`zsh/site-functions/_${root.name}`, renderZshCompletion(completionTree)] as const,
]);
for (const [name, text] of files) {
  const path = join(share, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
