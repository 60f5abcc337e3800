// SPDX-License-Identifier: Apache-2.0
// A command line of one of Tykky's commands, read as argparse reads it: abbreviated options, options among operands.
import { describeGetoptError, type GivenOption, parseArguments } from '../../formats/getopt/index.ts';
import { type Form, type OptionKey, tykkyCommands, type TykkyProgram } from './commands.ts';
import { helpText, usageText } from './help.ts';

export type ReadWords =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'fault'; readonly text: string }
  | {
      readonly kind: 'order';
      readonly form: Form;
      readonly operand: string;
      readonly value: (name: OptionKey) => string | undefined;
      readonly has: (name: OptionKey) => boolean;
    };

export function readWords(program: TykkyProgram, argv: readonly string[]): ReadWords {
  const { forms } = tykkyCommands[program];
  const [first] = argv;
  const fault = (form: Form | undefined, reason: string): ReadWords => {
    const name = form === undefined || form.verb === '' ? program : `${program} ${form.verb}`;
    return { kind: 'fault', text: `${usageText(program, form)}${name}: error: ${reason}\n` };
  };
  if (first === undefined)
    return { kind: 'help', text: helpText(program, forms[0]?.verb === '' ? forms[0] : undefined) };
  const form = forms.find(({ verb }) => verb === '' || verb === first);
  if (form === undefined) {
    if (/^(?:-h|--h(?:e(?:l(?:p)?)?)?)$/.test(first)) return { kind: 'help', text: helpText(program, undefined) };
    if (first.startsWith('-')) return fault(undefined, `unrecognized arguments: ${first}`);
    const choices = forms.map(({ verb }) => `'${verb}'`).join(', ');
    return fault(undefined, `argument command: invalid choice: '${first}' (choose from ${choices})`);
  }
  const parsed = parseArguments(form.options, form.verb === '' ? argv : argv.slice(1), { mode: 'permute' });
  const options: readonly GivenOption<OptionKey>[] = parsed.options;
  if (options.some(({ name }) => name === 'help')) return { kind: 'help', text: helpText(program, form) };
  if (!parsed.ok) return fault(form, describeGetoptError(parsed.error));
  const [operand, ...more] = parsed.operands;
  if (operand === undefined) return fault(form, `the following arguments are required: ${form.operand.name}`);
  if (more.length > 0) return fault(form, `unrecognized arguments: ${more.join(' ')}`);
  if (program === 'pip-containerize' && ['uv', 'slim'].every((name) => options.some((given) => given.name === name))) {
    return fault(form, 'argument --slim: not allowed with argument --uv');
  }
  return {
    kind: 'order',
    form,
    operand,
    value: (name) => options.findLast((given) => given.name === name)?.value,
    has: (name) => options.some((given) => given.name === name),
  };
}
