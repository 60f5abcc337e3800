// SPDX-License-Identifier: Apache-2.0
import type { CommandDescription } from '../../../formats/getopt/index.ts';
import { helpOption } from './common.ts';

type Name =
  | 'file'
  | 'requirement'
  | 'programs'
  | 'image'
  | 'python'
  | 'uv'
  | 'mamba'
  | 'system-packages'
  | 'no-cache'
  | 'before'
  | 'after'
  | 'environ'
  | 'mask'
  | 'update'
  | 'config'
  | 'name'
  | 'output'
  | 'json'
  | 'help';

export const wrap: CommandDescription<Name> = {
  name: 'slipway wrap',
  summary: 'make software of many small files one image, with programs that find it there',
  description: [
    'Installs with conda or pip, or takes a directory or the programs of a container, and leaves in DIR one image and a program of its own for each program in it. These are started as if nothing had been wrapped; their paths are the same inside and outside.',
    'show, compare and rebuild work with the record of what exactly is installed, which each installation keeps.',
  ],
  usage: [
    'conda DIR --file=FILE [--requirement=FILE] [OPTION...]',
    'pip DIR --requirement=FILE [OPTION...]',
    'container DIR IMAGE --programs=PATHS [OPTION...]',
    'dir DIR SOURCE --programs=PATHS [--mask] [OPTION...]',
    'conda|pip --update DIR [OPTION...]',
    'show [--json] DIR|RECORD',
    'compare [--json] DIR|RECORD DIR|RECORD',
    'rebuild RECORD|DIR NEW-DIR',
    'jupyter DIR [--name=NAME] [--output=KERNEL-DIR]',
    'module DIR [--name=NAME] [--output=MODULE-DIR]',
  ],
  operands: [
    {
      name: 'COMMAND',
      help: 'what to wrap, or what to do with it',
      completion: ['conda', 'pip', 'container', 'dir', 'show', 'compare', 'rebuild', 'jupyter', 'module'],
    },
    { name: 'DIR', help: 'directory of the installation', completion: 'directory' },
    { name: 'WORD', help: 'what the command wants besides', isOptional: true, completion: 'image-or-file' },
  ],
  options: [
    {
      long: 'file',
      short: 'f',
      argument: 'required',
      argumentName: 'FILE',
      help: 'environment for conda: YAML (*.yaml, *.yml) or a list of packages',
      group: 'What is installed',
      completion: 'file',
    },
    {
      long: 'requirement',
      short: 'r',
      argument: 'required',
      argumentName: 'FILE',
      help: 'requirements for pip',
      group: 'What is installed',
      completion: 'file',
    },
    {
      long: 'programs',
      short: 'w',
      argument: 'required',
      argumentName: 'PATHS',
      help: 'files and directories, with commas between, whose programs are wrapped',
      group: 'What is installed',
    },
    {
      long: 'update',
      argument: 'none',
      help: 'change the installation in DIR; what runs goes on with the old one',
      group: 'What is installed',
    },
    {
      long: 'image',
      argument: 'required',
      argumentName: 'IMAGE',
      help: 'install and run in this image, apart from the machine',
      group: 'How',
      completion: 'image',
    },
    { long: 'python', argument: 'required', argumentName: 'VERSION', help: 'with --uv: which Python', group: 'How' },
    { long: 'uv', argument: 'none', help: 'install with uv', group: 'How' },
    { long: 'mamba', argument: 'none', help: 'prefer mamba to conda', group: 'How' },
    {
      long: 'system-packages',
      argument: 'none',
      help: "let a virtual environment see the machine's packages",
      group: 'How',
    },
    { long: 'no-cache', argument: 'none', help: 'let pip and uv use no cache', group: 'How' },
    {
      long: 'before',
      argument: 'required',
      argumentName: 'FILE',
      help: 'script that is sourced before the installation',
      group: 'How',
      completion: 'file',
    },
    {
      long: 'after',
      argument: 'required',
      argumentName: 'FILE',
      help: 'script that is sourced after it, with the environment active',
      group: 'How',
      completion: 'file',
    },
    {
      long: 'environ',
      argument: 'required',
      argumentName: 'FILE',
      help: 'text of a shell that sets variables for each program that is started',
      group: 'How',
      completion: 'file',
    },
    {
      long: 'mask',
      argument: 'none',
      help: 'show a directory at its old place as well, on top of what is there',
      group: 'How',
    },
    {
      long: 'config',
      argument: 'required',
      argumentName: 'FILE',
      help: 'more configuration, by the keys of Tykky',
      group: 'How',
      completion: 'file',
    },
    {
      long: 'name',
      argument: 'required',
      argumentName: 'NAME',
      help: 'how a kernel or module is called; of a module NAME or NAME/VERSION',
      group: 'Beside it',
    },
    {
      long: 'output',
      short: 'o',
      argument: 'required',
      argumentName: 'DIR',
      help: 'where its files go: by default $JUPYTER_DATA_DIR or ~/.local/share/jupyter for a kernel, modulefiles in the installation for a module',
      group: 'Beside it',
      completion: 'directory',
    },
    { long: 'json', argument: 'none', help: 'print JSON', group: 'Beside it' },
    helpOption,
  ],
  rules: { mode: 'permute' },
  sections: [
    {
      title: 'Environment variables',
      items: [
        { term: 'CW_GLOBAL_YAML', help: 'configuration file of the site; /etc/slipway/tykky.yaml where it is not set' },
        { term: 'CW_BUILD_TMPDIR', help: 'where build directories are made; a local disk or memory' },
        { term: 'CW_ENABLE_CONDARC', help: "if set, the user's own configuration of conda holds" },
        { term: 'CW_DEBUG_KEEP_FILES', help: 'if set, a build that fails leaves its files' },
      ],
    },
    {
      title: 'Exit status',
      items: [{ term: '1', help: 'of compare: the two differ; else: what was asked for failed' }],
    },
  ],
  examples: [
    { command: 'slipway wrap pip ~/env -r requirements.txt', help: 'A virtual environment as one image' },
    { command: 'slipway wrap pip --update ~/env -r more.txt', help: 'Install more in it' },
    { command: 'slipway wrap conda ~/env -f environment.yaml', help: 'A conda environment' },
    { command: 'slipway wrap dir ~/env /appl/soft/prog -w bin', help: 'What is installed somewhere' },
    { command: 'slipway wrap container ~/env debian:12 -w /usr/games', help: 'Programs of an image' },
    { command: 'slipway wrap compare ~/env ~/other', help: 'What differs between two' },
  ],
};
