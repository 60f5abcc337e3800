// SPDX-License-Identifier: Apache-2.0
// A small command family that has one of everything, for the tests of the generators.
import type { CommandDescription, CompletionTree } from '../index.ts';

export const ship: CommandDescription = {
  name: 'ship',
  summary: 'move goods',
  description: ['Moves goods.'],
  operands: [{ name: 'COMMAND', help: 'what to do' }],
  options: [
    { long: 'help', short: 'h', argument: 'none', help: 'print this text' },
    { long: 'log', argument: 'required', argumentName: 'FILE', help: 'write there', completion: 'file' },
  ],
  rules: { mode: 'stop-at-operand' },
  subcommands: [
    { name: 'load', summary: 'put goods aboard' },
    { name: 'send', summary: "let a crew's boat: go" },
  ],
  examples: [],
};

export const load: CommandDescription = {
  name: 'ship load',
  summary: 'put goods aboard',
  description: [
    'Puts the goods named by each CRATE aboard. What is aboard already stays where it is, and whoever carries it may go on doing so.',
    "'Quoted' starts and .dots must survive, as must a \\ and a ~.",
  ],
  operands: [
    { name: 'QUAY', help: 'where they are', completion: ['north', 'south'] },
    { name: 'CRATE', help: 'what to load', isRepeated: true, isOptional: true, completion: 'image' },
  ],
  options: [
    {
      long: 'deck',
      short: 'd',
      argument: 'required',
      argumentName: 'LEVEL',
      help: 'where they go',
      completion: ['upper', 'lower'],
    },
    {
      long: 'list',
      argument: 'optional',
      argumentName: 'FILE',
      help: 'print [or write] what was loaded: name and weight',
      completion: 'file',
    },
    { long: 'a-very-long-name-of-an-option', argument: 'required', help: 'has a line of its own' },
    { short: 'n', argument: 'none', help: 'accepted, and ignored', group: 'Habits' },
    { long: 'secret', argument: 'none', help: 'hidden', hidden: true },
  ],
  rules: { mode: 'permute' },
  sections: [{ title: 'Environment', items: [{ term: 'SHIP_NAME', help: 'the vessel' }] }],
  examples: [{ command: "ship load -d upper north 'red crate'", help: 'Load one crate' }],
};

export const send: CommandDescription = {
  name: 'ship send',
  summary: "let a crew's boat: go",
  description: ['Lets go.'],
  operands: [
    { name: 'BOAT', help: 'which', completion: 'image-or-file' },
    { name: 'COMMAND', help: 'what to say', isOptional: true, completion: 'command' },
  ],
  options: [{ long: 'to', argument: 'required', argumentName: 'DIR', help: 'where to', completion: 'directory' }],
  rules: { mode: 'stop-at-operand', leadingOperands: 1 },
  examples: [],
};

export const tree: CompletionTree = { command: ship, subcommands: [load, send], listImages: ['ship-images'] };
