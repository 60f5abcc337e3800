// SPDX-License-Identifier: Apache-2.0
// The command lines that documentation shows, and what is wrong with one: a command, subcommand or option that is not there.
import { type CommandDescription, describeGetoptError, parseArguments } from '../src/formats/getopt/index.ts';
import { commandTrees } from './command-trees.ts';

/** Programs that start one of ours, whose own words stand before it. */
const starters = /^(?:srun|sbatch|salloc|mpirun|mpiexec|sudo|env|time|[A-Z_]+=\S*)$/;

/**
 * Every command line of ours in a Markdown text: in its indented and fenced blocks, and between back quotes. What is left
 * open (`…`, `[…]`) ends a line, and so does what stands behind two blanks: comments and second columns.
 */
export function commandLinesOf(markdown: string): readonly (readonly string[])[] {
  const blocks = markdown
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => /^ {4}/.test(line))
    .map((line) => line.trim());
  const fenced = [...markdown.matchAll(/^```\w*\n(.*?)^```/gms)].flatMap(([, text = '']) => text.split('\n'));
  const spans = [...markdown.matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);
  return [...blocks, ...fenced, ...spans]
    .flatMap((text) => text.split(/ {2,}| # |…|\.\.\.|\[/, 1))
    .flatMap((text) => text.split(/[|;&<>]+/))
    .map(wordsOf)
    .filter((words) => words.length > 0);
}

/** The words from the command's name on; none where it is not one of ours. */
function wordsOf(text: string): readonly string[] {
  const words = (text.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? []).map((word) => word.replaceAll(/["']/g, ''));
  const isStarted = starters.test(words[0] ?? '');
  const at = isStarted ? words.findIndex((word) => treeOf(word) !== undefined) : 0;
  return at >= 0 && treeOf(words[at] ?? '') !== undefined ? words.slice(at) : [];
}

function treeOf(word: string): (typeof commandTrees)[number] | undefined {
  return commandTrees.find(({ command }) => command.name === word);
}

/** What the command that these words name does not know; undefined where it knows all of them. */
export function faultOf(words: readonly string[]): string | undefined {
  const tree = treeOf(words[0] ?? '');
  if (tree === undefined) return `${words[0]} is no command`;
  const rest = words.slice(1);
  const at = rest.findIndex((word) => !word.startsWith('-'));
  if (tree.subcommands.length === 0) return faultOfArguments(tree.command, rest);
  if (at < 0) return faultOfArguments(tree.command, rest);
  const subcommand = tree.subcommands.find(({ name }) => name === `${tree.command.name} ${rest[at]}`);
  if (subcommand === undefined) return `${words[0]} has no command ${rest[at]}`;
  return faultOfArguments(tree.command, rest.slice(0, at)) ?? faultOfArguments(subcommand, rest.slice(at + 1));
}

function faultOfArguments(command: CommandDescription, words: readonly string[]): string | undefined {
  // An option is often named without its argument.
  const parsed = parseArguments(command.options, words, command.rules);
  if (parsed.ok) return faultOfOperand(command, parsed.operands);
  if (parsed.error.kind === 'argument-missing' || parsed.error.kind === 'letter-argument-missing') return undefined;
  return `${command.name}: ${describeGetoptError(parsed.error)}`;
}

/** Of operands that are one of a few words. */
function faultOfOperand(command: CommandDescription, operands: readonly string[]): string | undefined {
  for (const [index, { completion, name }] of command.operands.entries()) {
    const given = operands[index];
    const isPlaceholder = given === undefined || /^[A-Z]+$/.test(given);
    if (isPlaceholder || typeof completion !== 'object' || completion.includes(given)) continue;
    return `${command.name}: ${name} may be ${completion.join(', ')}, not ${given}`;
  }
  return undefined;
}
