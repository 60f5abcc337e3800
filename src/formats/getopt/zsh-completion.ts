// SPDX-License-Identifier: Apache-2.0
// A completion function for zsh, by its _arguments: zshcompsys(1), "Utility Functions".
import type { CommandDescription } from './command.ts';
import { type CompletionTree, argumentWords, shownOptions } from './completion-tree.ts';
import { type Completion, optionName } from './table.ts';

/** The function file for `tree`: to be installed as share/zsh/site-functions/_NAME. */
export function renderZshCompletion(tree: CompletionTree): string {
  const { name } = tree.command;
  const fn = `_${name.replaceAll(/[^A-Za-z0-9]/g, '_')}`;
  return `#compdef ${name}
# zsh completion for ${name}; made from its option tables
${fn}_images() {
  local -a images
  images=(\${(f)"$(${argumentWords(tree.listImages)} 2>/dev/null)"})
  compadd -a images
}

${tree.subcommands.length === 0 ? singleCommand(tree, fn) : commandWithSubcommands(tree, fn)}
# Found by the completion system, this file is the function's body; sourced, it only defines it.
if [[ $funcstack[1] == ${fn} ]]; then
  ${fn} "$@"
else
  compdef ${fn} ${name}
fi
`;
}

function singleCommand(tree: CompletionTree, fn: string): string {
  return `${fn}() {
  ${argumentsCall(tree.command, fn)}
}
`;
}

function commandWithSubcommands(tree: CompletionTree, fn: string): string {
  const nameOf = (command: CommandDescription): string => command.name.slice(tree.command.name.length).trim();
  return `${tree.subcommands
    .map((command) => `${fn}_${nameOf(command).replaceAll('-', '_')}() {\n  ${argumentsCall(command, fn)}\n}\n`)
    .join('\n')}
${fn}() {
  local curcontext=$curcontext state line
  local -a subcommands
  subcommands=(
${tree.subcommands.map((command) => `    ${quote(`${nameOf(command)}:${command.summary}`)}`).join('\n')}
  )
  _arguments -C -S ${[...optionSpecs(tree.command, fn), "'1: :->command'", "'*:: :->argument'"].join(' \\\n    ')}
  case $state in
    command) _describe command subcommands ;;
    argument)
      curcontext=\${curcontext%:*}-$words[1]:
      (( $+functions[${fn}_\${words[1]//-/_}] )) && ${fn}_\${words[1]//-/_}
      ;;
  esac
}
`;
}

function argumentsCall(command: CommandDescription, fn: string): string {
  return `_arguments -s -S ${[...optionSpecs(command, fn), ...operandSpecs(command, fn)].join(' \\\n    ')}`;
}

function optionSpecs(command: CommandDescription, fn: string): readonly string[] {
  return shownOptions(command.options).flatMap(({ option, names }) =>
    names.map((name) => {
      const isLong = name.startsWith('--');
      const message = escape(option.argumentName ?? optionName(option));
      const action = actionOf(option.completion, fn);
      const [mark, argument] =
        option.argument === 'none'
          ? ['', '']
          : option.argument === 'required'
            ? [isLong ? '=' : '+', `:${message}:${action}`]
            : [isLong ? '=-' : '-', `::${message}:${action}`];
      return quote(`*${name}${mark}[${escape(option.help)}]${argument}`);
    }),
  );
}

function operandSpecs(command: CommandDescription, fn: string): readonly string[] {
  const stops = command.rules.mode === 'stop-at-operand';
  return command.operands.map((operand, index) => {
    const message = escape(operand.name);
    const action = actionOf(operand.completion, fn);
    // With :: the words of the command are completed as a command line of their own.
    if (operand.completion === 'command' && stops) return quote(`*::${message}:_normal`);
    if (operand.isRepeated === true) return quote(`*:${message}:${action}`);
    return quote(`${index + 1}:${operand.isOptional === true ? ':' : ''}${message}:${action}`);
  });
}

function actionOf(completion: Completion | undefined, fn: string): string {
  switch (completion) {
    case undefined:
      return ' ';
    case 'file':
      return '_files';
    case 'directory':
      return '_files -/';
    case 'command':
      return '_command_names -e';
    case 'image':
      return `${fn}_images`;
    case 'image-or-file':
      return `_alternative "images:image:${fn}_images" "files:file:_files"`;
    default:
      return `(${completion.map(escape).join(' ')})`;
  }
}

// Inside a specification [, ], : and \ have a meaning.
function escape(text: string): string {
  return text.replaceAll(/[[\]:\\]/g, String.raw`\$&`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
