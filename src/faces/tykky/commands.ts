// SPDX-License-Identifier: Apache-2.0
// Tykky's four commands as data: options as its documentation has them.
import type { OptionEntry } from '../../formats/getopt/index.ts';

export type TykkyProgram = 'conda-containerize' | 'pip-containerize' | 'wrap-container' | 'wrap-install';

export type OptionKey =
  | 'environ'
  | 'help'
  | 'mamba'
  | 'mask'
  | 'nocache'
  | 'post-install'
  | 'pre-install'
  | 'prefix'
  | 'pyver'
  | 'requirement'
  | 'requirements-file'
  | 'slim'
  | 'system-site-packages'
  | 'uv'
  | 'wrapper-paths'
  | 'yaml';

export type Form = {
  /** The word after the program's name, or '' for a command without such. */
  readonly verb: '' | 'new' | 'update';
  readonly summary: string;
  readonly operand: { readonly name: string; readonly help: string };
  readonly options: readonly OptionEntry<OptionKey>[];
};

const help: OptionEntry<OptionKey> = {
  long: 'help',
  short: 'h',
  argument: 'none',
  help: 'show this help message and exit',
};
const prefix: OptionEntry<OptionKey> = {
  long: 'prefix',
  argument: 'required',
  argumentName: 'PREFIX',
  help: 'directory to install to; by default what the configuration says, else the current directory',
  completion: 'directory',
};
const postInstall: OptionEntry<OptionKey> = {
  long: 'post-install',
  argument: 'required',
  argumentName: 'FILE',
  help: 'script that is sourced after the installation, with the environment active',
  completion: 'file',
};
const preInstall: OptionEntry<OptionKey> = {
  long: 'pre-install',
  argument: 'required',
  argumentName: 'FILE',
  help: 'script that is sourced before the installation',
  completion: 'file',
};
const environ: OptionEntry<OptionKey> = {
  long: 'environ',
  argument: 'required',
  argumentName: 'FILE',
  help: 'text of a shell that sets variables for each program that is started',
  completion: 'file',
};
const wrapperPaths: OptionEntry<OptionKey> = {
  long: 'wrapper-paths',
  short: 'w',
  argument: 'required',
  argumentName: 'PATHS',
  help: 'files and directories, with commas between, for whose programs wrappers are made',
};
const yaml: OptionEntry<OptionKey> = {
  long: 'yaml',
  short: 'y',
  argument: 'required',
  argumentName: 'FILE',
  help: 'more configuration',
  completion: 'file',
};
const nocache: OptionEntry<OptionKey> = {
  long: 'nocache',
  argument: 'none',
  help: 'let pip and uv use no cache',
};
const uv: OptionEntry<OptionKey> = { long: 'uv', argument: 'none', help: 'install with uv' };
const common = [postInstall, preInstall, environ, wrapperPaths];

const requirementOf = (long: 'requirement' | 'requirements-file'): OptionEntry<OptionKey> => ({
  long,
  short: 'r',
  argument: 'required',
  argumentName: 'FILE',
  help: 'requirements for pip, which are installed as well',
  completion: 'file',
});

const directory = { name: 'dir', help: 'directory of the installation' };

export const tykkyCommands: Readonly<
  Record<TykkyProgram, { readonly summary: string; readonly forms: readonly Form[] }>
> = {
  'conda-containerize': {
    summary: 'wrap a conda environment',
    forms: [
      {
        verb: 'new',
        summary: 'make an installation',
        operand: { name: 'env_file', help: 'environment as YAML (*.yaml, *.yml), or a list of packages' },
        options: [
          help,
          prefix,
          { long: 'mamba', argument: 'none', help: 'let mamba solve and install' },
          uv,
          nocache,
          requirementOf('requirement'),
          ...common,
        ],
      },
      {
        verb: 'update',
        summary: 'change an installation',
        operand: directory,
        options: [help, nocache, requirementOf('requirement'), ...common],
      },
    ],
  },
  'pip-containerize': {
    summary: 'wrap a virtual environment of Python',
    forms: [
      {
        verb: 'new',
        summary: 'make an installation',
        operand: { name: 'requirements_file', help: 'requirements for pip' },
        options: [
          help,
          prefix,
          uv,
          { long: 'slim', argument: 'none', help: 'in a small image with Python, apart from the machine' },
          {
            long: 'pyver',
            argument: 'required',
            argumentName: 'VERSION',
            help: 'version of Python, with --slim or --uv',
          },
          {
            long: 'system-site-packages',
            argument: 'none',
            help: "let the environment see the machine's packages",
          },
          nocache,
          ...common,
        ],
      },
      {
        verb: 'update',
        summary: 'change an installation',
        operand: directory,
        options: [help, requirementOf('requirements-file'), nocache, ...common],
      },
    ],
  },
  'wrap-container': {
    summary: 'wrap programs of a container',
    forms: [
      {
        verb: '',
        summary: 'wrap programs of a container',
        operand: { name: 'container', help: 'squashfs file, directory, or name of an image' },
        options: [help, yaml, environ, wrapperPaths, prefix],
      },
    ],
  },
  'wrap-install': {
    summary: 'wrap a directory with an installation',
    forms: [
      {
        verb: '',
        summary: 'wrap a directory with an installation',
        operand: { name: 'dir', help: 'directory to be wrapped' },
        options: [
          help,
          ...common,
          prefix,
          yaml,
          {
            long: 'mask',
            argument: 'none',
            help: 'show the installation at the place of the directory as well, on top of what is there',
          },
        ],
      },
    ],
  },
};
