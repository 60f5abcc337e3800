// SPDX-License-Identifier: Apache-2.0
// `slipway gateway ACTION`.
import type { CommandContext } from './context.ts';
import { gateway } from './descriptions/gateway.ts';
import { checkConfiguration } from './gateway-check.ts';
import { type CommandLine, readCommandLine, usageError } from './read-command-line.ts';

export type GatewayLine = CommandLine<'config' | 'from' | 'to' | 'database' | 'help'>;

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const line = readCommandLine(gateway, argv);
  const [action, operand] = line.operands;
  if (action === 'serve') return await (await import('./gateway-serve.ts')).serve(line, context);
  if (action === 'check') return await checkConfiguration(operand, line, context);
  if (action === 'migrate') return await (await import('./gateway-migrate.ts')).migrate(line, context);
  if (action === 'ui') return await (await import('./gateway-ui.ts')).printLink(operand, context);
  // Started by the gateway itself, for each image: it hears what to do on its standard input.
  if (action === 'worker') {
    const { runGatewayWorker } = await import('../../gateway/index.ts');
    return await runGatewayWorker(process.stdin, context.environment.stdout.write);
  }
  throw usageError(gateway, `there is no action "${action}"`);
}
