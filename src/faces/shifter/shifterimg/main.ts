// SPDX-License-Identifier: Apache-2.0
// The `shifterimg` command, as Shifter's: what scripts read of it is the same to the byte.
import { describeGetoptError, parseArguments, renderHelp } from '../../../formats/getopt/index.ts';
import { SlipwayError } from '../../../model/index.ts';
import type { FaceEnvironment } from '../../terminal/environment.ts';
import { supervise } from '../../terminal/supervise.ts';
import { createAsking } from './asking.ts';
import { login } from './login.ts';
import { modes } from './modes.ts';
import { shifterimg } from './options.ts';

/** Runs `shifterimg` with the words after its name, and gives the exit status. Never rejects. */
export async function main(argv: readonly string[], environment: FaceEnvironment): Promise<number> {
  return await supervise('shifterimg', environment, (signal) => dispatch(argv, environment, signal));
}

async function dispatch(argv: readonly string[], environment: FaceEnvironment, signal: AbortSignal): Promise<number> {
  const { stdout } = environment;
  const parsed = parseArguments(shifterimg.options, argv, shifterimg.rules);
  if (parsed.options.some(({ name }) => name === 'help')) {
    stdout.write(renderHelp(shifterimg, stdout.size().columns));
    return 0;
  }
  if (!parsed.ok) {
    throw new SlipwayError('usage', { command: shifterimg.name, reason: describeGetoptError(parsed.error) });
  }
  const [mode, operand] = parsed.operands;
  if (mode === undefined) throw new SlipwayError('usage', { command: shifterimg.name, reason: 'MODE is missing' });
  const given = (name: 'user' | 'group'): string =>
    parsed.options
      .filter((option) => option.name === name)
      .map(({ value }) => value ?? '')
      .join(',');
  const asking = createAsking({
    environment,
    signal,
    isVerbose: parsed.options.some(({ name }) => name === 'verbose'),
    access: { users: given('user'), groups: given('group') },
  });
  if (mode === 'login') return await login(operand, asking);
  const run = modes[mode];
  if (run === undefined) {
    throw new SlipwayError('usage', { command: shifterimg.name, reason: `there is no mode "${mode}"` });
  }
  try {
    return await run(operand, asking);
  } finally {
    await asking.close();
  }
}
