// SPDX-License-Identifier: Apache-2.0
// `slipway wrap`: which of its commands is meant, and what it is given.
import type { CommandContext } from './context.ts';
import { wrap } from './descriptions/wrap.ts';
import { readCommandLine, usageError } from './read-command-line.ts';
import { runCompanion } from './wrap-companion.ts';
import { installWrapped, type WrapLine } from './wrap-install.ts';
import { compareInstallations, rebuildInstallation, showInstallation } from './wrap-records.ts';

const verbs: Readonly<Record<string, (line: WrapLine, context: CommandContext) => Promise<number>>> = {
  conda: installWrapped,
  pip: installWrapped,
  container: installWrapped,
  dir: installWrapped,
  show: showInstallation,
  compare: compareInstallations,
  rebuild: rebuildInstallation,
  jupyter: runCompanion,
  module: runCompanion,
};

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const line = readCommandLine(wrap, argv);
  const [verb = ''] = line.operands;
  const found = verbs[verb];
  if (found === undefined) {
    throw usageError(wrap, `unknown command "${verb}"; there are ${Object.keys(verbs).join(', ')}`);
  }
  return await found(line, context);
}
