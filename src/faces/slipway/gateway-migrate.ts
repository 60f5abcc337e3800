// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { migrateGatewayRecords } from '../../gateway/index.ts';
import type { CommandContext } from './context.ts';
import { gateway } from './descriptions/gateway.ts';
import type { GatewayLine } from './gateway.ts';
import { usageError } from './read-command-line.ts';

const uriPattern = /^(?:sqlite:.|postgres(?:ql)?:\/\/|mongodb(?:\+srv)?:\/\/)/;

/** Copies records; the gateway should be stopped meanwhile, as what it changes after they were read is not copied. */
export async function migrate(line: GatewayLine, { environment, signal }: CommandContext): Promise<number> {
  const read = (name: 'from' | 'to'): string => {
    const text = line.value(name) ?? '';
    if (!uriPattern.test(text))
      throw usageError(gateway, `--${name}: a database is sqlite:PATH, postgresql://… or mongodb://…`);
    const path = text.startsWith('sqlite:') ? text.slice('sqlite:'.length) : undefined;
    return path === undefined ? text : `sqlite:${resolve(environment.workingDirectory, path)}`;
  };
  const [from, to] = [read('from'), read('to')];
  if (from === to) throw usageError(gateway, '--from and --to are the same');
  const databaseName = line.value('database') ?? 'Shifter';
  const { clock, stdout } = environment;
  const { copied, present, inFlight } = await migrateGatewayRecords(from, to, { databaseName, clock, signal });
  stdout.write(`${copied} records copied, ${present} were there, ${inFlight} in flight left out\n`);
  return 0;
}
