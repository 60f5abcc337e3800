// SPDX-License-Identifier: Apache-2.0
// `slipway config check`: what the readers of configuration files say, before a node has to say it.
import { basename } from 'node:path';
import { SlipwayError } from '../../model/index.ts';
import { checkUdiRoot } from '../../site/index.ts';
import { createInputs, type Inputs } from '../../sys/inputs.ts';
import { printable } from '../terminal/printable.ts';
import type { CommandContext } from './context.ts';
import { config } from './descriptions/config.ts';
import { readCommandLine } from './read-command-line.ts';

type Finding = { readonly isFault: boolean; readonly line: number; readonly text: string };

/** By the file's name. */
const checks: Readonly<Record<string, (path: string, inputs: Inputs) => readonly Finding[]>> = {
  'udiRoot.conf': checkUdiRoot,
};

export async function run(argv: readonly string[], { environment }: CommandContext): Promise<number> {
  const line = readCommandLine(config, argv);
  const [verb, file, ...more] = line.operands;
  const usage = (reason: string): never => {
    throw new SlipwayError('usage', { command: config.name, reason });
  };
  if (verb !== 'check' || file === undefined || more.length > 0) return usage('check and one FILE are wanted');
  const inputs = createInputs({ environment: environment.variables, cwd: environment.workingDirectory });
  const path = inputs.absolute(file);
  const check = checks[basename(path)];
  if (check === undefined) return usage(`${basename(path)} is none of ${Object.keys(checks).join(', ')}`);
  const findings = check(path, inputs).toSorted((a, b) => a.line - b.line);
  for (const { isFault, line: number, text } of findings) {
    const where = number === 0 ? path : `${path}:${number}`;
    environment.stdout.write(`${isFault ? 'error' : 'note'}: ${printable(`${where}: ${text}`)}\n`);
  }
  const faults = findings.filter(({ isFault }) => isFault).length;
  if (faults === 0) environment.stdout.write(`${printable(path)} can be used\n`);
  return faults === 0 ? 0 : 1;
}
