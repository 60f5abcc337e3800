// SPDX-License-Identifier: Apache-2.0
// What each mode of shifterimg works with: the configuration, the caller's logins, and a client that says what `-v` and
// failures want to be said.
import {
  type GatewayAnswer,
  type GatewayClient,
  type GatewayRequest,
  type LoginOptions,
  openUserClient,
  readUserSite,
  userLogins,
  type UserSettings,
} from '../../../gateway/index.ts';
import { hasCode, parseJson } from '../../../model/index.ts';
import type { UdiRoot } from '../../../site/index.ts';
import { build } from '../../terminal/build.ts';
import type { FaceEnvironment } from '../../terminal/environment.ts';

export type AskingOptions = {
  readonly environment: FaceEnvironment;
  readonly signal: AbortSignal;
  readonly isVerbose: boolean;
  readonly access: { readonly users: string; readonly groups: string };
};

export type Asking = AskingOptions & {
  readonly site: () => UdiRoot;
  readonly logins: () => LoginOptions;
  /** The answer, or undefined where no gateway gave a good one; what there is to say about that has been said. */
  readonly ask: (request: GatewayRequest) => Promise<GatewayAnswer | undefined>;
  /** Why the last request was refused, in the gateway's words, where it has said so. */
  readonly refusal: () => string | undefined;
  readonly close: () => Promise<void>;
};

export function createAsking(options: AskingOptions): Asking {
  const { environment, signal, isVerbose } = options;
  const { stdout } = environment;
  const settings: UserSettings = { ...environment, signal, userAgent: `shifterimg slipway/${build.version}` };
  let site: UdiRoot | undefined;
  let client: GatewayClient | undefined;
  let refusal: string | undefined;
  const readSite = (): UdiRoot => {
    site ??= readUserSite(settings);
    return site;
  };
  const openClient = async (): Promise<GatewayClient> => {
    const { imageGateways: gateways, gatewayTimeoutS: timeoutSec, system } = readSite();
    return await openUserClient(settings, { system, gateways, timeoutSec }, (failure) => {
      if (failure.kind === 'unreachable') {
        stdout.write('ERROR: failed to contact the image gateway.\n');
        return;
      }
      const { reason } = (parseJson(failure.answer.text) ?? {}) as { readonly reason?: unknown };
      if (typeof reason === 'string') refusal = reason;
      if (isVerbose) stdout.write(`Got response: ${failure.answer.status}\nMessage: ${failure.answer.text}\n`);
    });
  };
  return {
    ...options,
    site: readSite,
    logins: () => userLogins(settings, readSite().system),
    ask: async (request) => {
      client ??= await openClient();
      try {
        const answer = await client.request(request, signal);
        if (answer.status !== 200) return undefined;
        if (isVerbose) stdout.write(`Message: ${answer.text}\n`);
        return answer;
      } catch (error) {
        if (hasCode(error, 'gateway-unreachable')) return undefined;
        throw error;
      }
    },
    refusal: () => refusal,
    close: async () => await client?.close(),
  };
}
