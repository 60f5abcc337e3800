// SPDX-License-Identifier: Apache-2.0
import type { CommandContext } from './context.ts';
import { readGatewayConfig } from './gateway-config.ts';
import type { GatewayLine } from './gateway.ts';

const words = { error: 'error', warning: 'warning', ignored: 'no effect' } as const;

/** Prints a line for each problem, `PATH:LINE: KIND: KEY: TEXT`; status 1 where the gateway would not start. */
export async function checkConfiguration(
  operand: string | undefined,
  line: GatewayLine,
  { environment }: CommandContext,
): Promise<number> {
  const { path, config, problems } = await readGatewayConfig(operand ?? line.value('config'), environment);
  for (const { severity, line: at, key, text } of problems) {
    const place = at === 0 ? path : `${path}:${at}`;
    environment.stdout.write(`${place}: ${words[severity]}: ${key === '' ? '' : `${key}: `}${text}\n`);
  }
  if (config === undefined) return 1;
  const systems = [...config.platforms.keys()].join(', ');
  environment.stderr.write(`${path} is good for ${systems === '' ? 'no system' : systems}\n`);
  return 0;
}
