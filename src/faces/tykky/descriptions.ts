// SPDX-License-Identifier: Apache-2.0
// The commands as their man pages, completions and reference need them.
import type { CommandDescription, CompletionTree } from '../../formats/getopt/index.ts';
import { type Form, tykkyCommands, type TykkyProgram } from './commands.ts';

const variables = [
  { term: 'CW_GLOBAL_YAML', help: 'configuration file of the site; /etc/slipway/tykky.yaml where it is not set' },
  { term: 'CW_LOG_LEVEL', help: '0: errors; 1: warnings too; 2: what is done (default); 3 and 4: details' },
  { term: 'CW_BUILD_TMPDIR', help: 'where build directories are made; a local disk or memory' },
  { term: 'CW_ENABLE_CONDARC', help: "if set, the user's own configuration of conda holds" },
  { term: 'CW_DEBUG_KEEP_FILES', help: 'if set, a build that fails leaves its files' },
  { term: 'CW_NO_FIX_PERM', help: 'if set, files in the image keep their modes' },
  {
    term: 'CW_FORCE_CONDA_ACTIVATE, CW_NO_CONDA_ACTIVATE',
    help: 'for a program that is run: activate the environment through a virtual environment too; or never',
  },
];

const examples: Readonly<Record<TykkyProgram, CommandDescription['examples']>> = {
  'conda-containerize': [
    {
      command: 'conda-containerize new --prefix /path/to_install conda_env.yaml',
      help: 'Make an environment from its description',
    },
    { command: 'conda-containerize update --post-install post.sh /path/to_install', help: 'Change it by a script' },
  ],
  'pip-containerize': [
    { command: 'pip-containerize new --prefix /path/to_install req.txt', help: 'Make an environment' },
    { command: 'pip-containerize update --post-install post.sh /path/to_install', help: 'Change it by a script' },
  ],
  'wrap-container': [
    {
      command: 'wrap-container -w /opt/prog/bin --prefix /path/to_install image.sif',
      help: 'Wrap the programs of a container',
    },
  ],
  'wrap-install': [
    {
      command: 'wrap-install -w bin --mask --prefix /path/to_install /program/on/disk',
      help: 'Wrap a directory, and show it at its old place as well',
    },
  ],
};

function describe(program: TykkyProgram, form: Form): CommandDescription {
  return {
    name: form.verb === '' ? program : `${program} ${form.verb}`,
    summary: form.summary,
    description: [
      'What is installed becomes one image beside wrappers, which find it wherever the installation is moved to.',
    ],
    operands: [{ ...form.operand, completion: form.operand.name === 'dir' ? 'directory' : 'file' }],
    options: form.options,
    rules: { mode: 'permute' },
    sections: [{ title: 'Environment variables', items: variables }],
    examples: examples[program].filter(({ command }) => command.startsWith(`${program} ${form.verb}`.trim())),
  };
}

/** Each command with its subcommands. */
export const tykkyTrees: readonly CompletionTree[] = (Object.keys(tykkyCommands) as TykkyProgram[]).map((program) => {
  const { summary, forms } = tykkyCommands[program];
  const [only] = forms;
  const listImages = ['slipway', 'images', '--quiet'];
  if (only !== undefined && only.verb === '') return { command: describe(program, only), subcommands: [], listImages };
  const subcommands = forms.map((form) => describe(program, form));
  return {
    command: {
      name: program,
      summary,
      description: [`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`],
      operands: [{ name: 'COMMAND', help: 'what to do' }],
      options: [{ long: 'help', short: 'h', argument: 'none', help: 'show this help message and exit' }],
      rules: { mode: 'stop-at-operand' },
      subcommands: forms.map(({ verb, summary: what }) => ({ name: verb, summary: what })),
      examples: examples[program],
    },
    subcommands,
    listImages,
  };
});
