// SPDX-License-Identifier: Apache-2.0
// A completion script for bash 4 or later that needs nothing else, not even the bash-completion package.
// bash(1), "Programmable Completion", says what the shell hands over and takes back.
import type { CommandDescription } from './command.ts';
import { type CompletionTree, argumentWords, shownOptions } from './completion-tree.ts';
import type { Completion } from './table.ts';

/** The script for `tree`: to be sourced, or installed as share/bash-completion/completions/NAME. */
export function renderBashCompletion(tree: CompletionTree): string {
  const { name } = tree.command;
  const fn = `_${name.replaceAll(/[^A-Za-z0-9]/g, '_')}`;
  const commands = [tree.command, ...tree.subcommands];
  return `# bash completion for ${name}; made from its option tables
${fn}_offer() { # LINES-OF-WORDS: those that begin with the current word
  local word
  while IFS= read -r word; do
    [[ -n $word && $word == "$cur"* ]] && COMPREPLY+=("$word")
  done <<<"$1"
}

${fn}_paths() { # f for files, d for directories
  local path
  while IFS= read -r path; do
    COMPREPLY+=("$path")
  done < <(compgen -"$1" -- "$cur")
  compopt -o filenames 2>/dev/null
}

${fn}_value() { # COMMAND OPTION: what may be the option's argument
  case "$1 $2" in
${commands.flatMap((command) => valueCases(command, tree, fn)).join('\n')}
  esac
}

${fn}_operand() { # COMMAND INDEX: what may be the operand of this index
  case "$1 $2" in
${commands.flatMap((command) => operandCases(command, tree, fn)).join('\n')}
  esac
}

${fn}() {
  # Words between blanks: COMP_WORDS is split at = and : too, which options and image names contain.
  local line=\${COMP_LINE:0:COMP_POINT} words cur= prev sub= ended= taking= offered= last=-1 count=0 index=1
  read -ra words <<<"$line"
  if [[ $line == *[![:space:]] ]]; then
    cur=\${words[-1]}
    unset 'words[-1]'
  fi
  prev=\${words[-1]}
  COMPREPLY=()

${tree.subcommands.length === 0 ? '' : findSubcommand(tree.command)}  case $sub in
${commands.map((command) => settingsCase(command, tree)).join('\n')}
    *) return ;;
  esac

  for (( ; index < \${#words[@]}; index++)); do
    case \${words[index]} in
      --) ended=1 ;;
      -?*) [[ -z $ended && $taking == *" \${words[index]} "* ]] && index=$((index + 1)) ;;
      *) count=$((count + 1)) ;;
    esac
    [[ $count -eq $last ]] && ended=1
  done

  if [[ -z $ended && $taking == *" $prev "* ]]; then
    ${fn}_value "$sub" "$prev"
  elif [[ -z $ended && $cur == --*=* ]]; then
    prev=\${cur%%=*}
    cur=\${cur#*=}
    ${fn}_value "$sub" "$prev"
    # The shell completes what follows the = only.
    [[ $cur == *:* ]] || return
  elif [[ -z $ended && $cur == -* ]]; then
    ${fn}_offer "$offered"
    [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
    return
  else
    ${fn}_operand "$sub" "$count"
  fi
  # The reply takes the place of what follows the last word break, if : is one.
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    COMPREPLY=("\${COMPREPLY[@]#"\${cur%"\${cur##*:}"}"}")
  fi
}

complete -F ${fn} ${name}
`;
}

function findSubcommand(command: CommandDescription): string {
  return `  taking=${quote(takingWords(command))}
  for (( ; index < \${#words[@]}; index++)); do
    if [[ \${words[index]} != -* ]]; then
      sub=\${words[index]}
      index=$((index + 1))
      break
    fi
    [[ $taking == *" \${words[index]} "* ]] && index=$((index + 1))
  done
  [[ -n $sub ]] || index=\${#words[@]}
`;
}

/** The options whose argument may be the next word, with a blank around each. */
function takingWords(command: CommandDescription): string {
  const names = shownOptions(command.options)
    .filter(({ option }) => option.argument === 'required')
    .flatMap((shown) => shown.names);
  return ` ${names.join(' ')} `;
}

function settingsCase(command: CommandDescription, tree: CompletionTree): string {
  const options = shownOptions(command.options);
  const offered = options.flatMap(({ option, names }) =>
    names.map((name) => (name.startsWith('--') && option.argument !== 'none' ? `${name}=` : name)),
  );
  const last = command.rules.mode === 'stop-at-operand' ? (command.rules.leadingOperands ?? 0) : -1;
  return `    ${quote(subcommandName(command, tree))})
      taking=${quote(takingWords(command))}
      offered=${quote(offered.join('\n'))}
      last=${last}
      ;;`;
}

function valueCases(command: CommandDescription, tree: CompletionTree, fn: string): readonly string[] {
  return shownOptions(command.options)
    .filter(({ option }) => option.completion !== undefined)
    .map(({ option, names }) => {
      const patterns = names.map((name) => quote(`${subcommandName(command, tree)} ${name}`)).join(' | ');
      return `    ${patterns}) ${offer(option.completion, tree, fn)} ;;`;
    });
}

function operandCases(command: CommandDescription, tree: CompletionTree, fn: string): readonly string[] {
  const name = subcommandName(command, tree);
  if (command === tree.command && tree.subcommands.length > 0) {
    return [`    ' 0') ${fn}_offer ${quote(tree.subcommands.map((sub) => subcommandName(sub, tree)).join('\n'))} ;;`];
  }
  const last = command.operands.length - 1;
  return command.operands.flatMap(({ completion, isRepeated }, index) => {
    if (completion === undefined) return [];
    const pattern = `${quote(`${name} `)}${isRepeated === true ? '*' : index}`;
    // The words of a command that is to be run are mostly files.
    const rest = completion === 'command' && index === last ? [`    ${quote(`${name} `)}*) ${fn}_paths f ;;`] : [];
    return [`    ${pattern}) ${offer(completion, tree, fn)} ;;`, ...rest];
  });
}

function offer(completion: Completion | undefined, tree: CompletionTree, fn: string): string {
  const images = `${fn}_offer "$(${argumentWords(tree.listImages)} 2>/dev/null)"`;
  switch (completion) {
    case undefined:
      return ':';
    case 'file':
      return `${fn}_paths f`;
    case 'directory':
      return `${fn}_paths d`;
    case 'command':
      return `${fn}_offer "$(compgen -c -- "$cur")"`;
    case 'image':
      return images;
    case 'image-or-file':
      return `${images}; ${fn}_paths f`;
    default:
      return `${fn}_offer ${quote(completion.join('\n'))}`;
  }
}

/** `pull` of `slipway pull`; '' for the command itself. */
function subcommandName(command: CommandDescription, tree: CompletionTree): string {
  return command.name.slice(tree.command.name.length).trim();
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
