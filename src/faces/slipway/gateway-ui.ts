// SPDX-License-Identifier: Apache-2.0
import { openUserClient, readUserSite } from '../../gateway/index.ts';
import { parseJson, SlipwayError } from '../../model/index.ts';
import { build } from '../terminal/build.ts';
import type { CommandContext } from './context.ts';

/** Prints a link to the page of a system's gateway; who asks must be an administrator there. */
export async function printLink(operand: string | undefined, { environment, signal }: CommandContext): Promise<number> {
  const settings = { ...environment, signal, userAgent: `slipway/${build.version}` };
  const { system, imageGateways: gateways, gatewayTimeoutS: timeoutSec } = readUserSite(settings);
  const client = await openUserClient(settings, { system: operand ?? system, gateways, timeoutSec }, () => undefined);
  try {
    const { status, text } = await client.request({ mode: 'uilink', method: 'GET' }, signal);
    const answer = parseJson(text) as { readonly url?: string; readonly reason?: string } | undefined;
    if (status !== 200 || answer?.url === undefined) {
      throw new SlipwayError('gateway-refused', {
        task: 'open the page',
        status,
        reason: answer?.reason ?? 'no reason',
      });
    }
    environment.stdout.write(`${answer.url}\n`);
    return 0;
  } finally {
    await client.close();
  }
}
