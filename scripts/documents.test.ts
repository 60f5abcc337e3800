// SPDX-License-Identifier: Apache-2.0
// What documents say can be typed and followed: command lines, examples, links.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { renderHelp } from '../src/formats/getopt/index.ts';
import { commandTrees } from './command-trees.ts';
import { commandLinesOf, faultOf } from './documented-commands.ts';

const root = resolve(import.meta.dirname, '..');
const documents = globSync(['*.md', 'docs/**/*.md'], { cwd: root }).sort();
const textOf = (document: string): string => readFileSync(join(root, document), 'utf8');
/** Named in documents to say that they are not here. */
const absent: ReadonlySet<string> = new Set(['ch-image build']);
const commands = commandTrees.flatMap(({ command, subcommands }) => [command, ...subcommands]);

test('every command line in a document is one that its command understands', () => {
  // What other systems have is named where Slipway differs from them.
  const own = documents.filter((document) => document !== 'docs/differences.md');
  const lines = own.flatMap((document) => commandLinesOf(textOf(document)).map((words) => ({ document, words })));
  assert.ok(lines.length > 200, `only ${lines.length} command lines were found`);
  const faults = lines.flatMap(({ document, words }) => {
    const fault = absent.has(words.join(' ')) ? undefined : faultOf(words);
    return fault === undefined ? [] : [`${document}: ${words.join(' ')}: ${fault}`];
  });
  assert.deepEqual(faults, []);
});

test('an unknown command, option or word is noticed', () => {
  const text =
    '    srun -n2 slipway run --nosuch debian\n\n`slipway nosuch`, `ch-run --nosuch=1 image`, `slipway gateway nosuch`';
  assert.deepEqual(
    commandLinesOf(text).map((words) => faultOf(words) !== undefined),
    [true, true, true, true],
  );
});

test('every command has help that fits a terminal, with examples', () => {
  for (const command of commands) {
    const lines = renderHelp(command, 80).split('\n');
    const long = lines.filter((line) => line.length > 80);
    assert.deepEqual(long, [], command.name);
    if (command.operands.length + command.options.length > 0) {
      assert.ok(command.examples.length > 0, `${command.name} has no example`);
    }
    for (const { command: line } of command.examples) {
      for (const words of commandLinesOf(`    ${line}`)) assert.equal(faultOf(words), undefined, line);
    }
  }
});

test('every link within the documents leads somewhere', () => {
  const faults = documents.flatMap((document) =>
    [...textOf(document).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
      if (/^[a-z]+:/.test(target)) return [];
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? document : join(dirname(document), path);
      if (!existsSync(join(root, file))) return [`${document}: ${target}: there is no ${file}`];
      if (anchor === undefined || anchorsOf(textOf(file)).includes(anchor)) return [];
      return [`${document}: ${target}: ${file} has no such heading`];
    }),
  );
  assert.deepEqual(faults, []);
});

/** As code forges make them of headings. */
function anchorsOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
