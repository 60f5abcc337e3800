// SPDX-License-Identifier: Apache-2.0
// What each mode of shifterimg works with: the configuration, the caller's logins, and a client that says what `-v` and
// failures want to be said.
import {
  createGatewayClient,
  type GatewayAnswer,
  type GatewayClient,
  type GatewayRequest,
  type LoginOptions,
  loginPayload,
} from '../../../gateway/index.ts';
import { hasCode } from '../../../model/index.ts';
import { defaultUdiRootPath, readUdiRoot, type UdiRoot } from '../../../site/index.ts';
import { createInputs } from '../../../sys/inputs.ts';
import { defaultMungeSocket, mungeEncode } from '../../../sys/munge-socket.ts';
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
  readonly close: () => Promise<void>;
};

export function createAsking(options: AskingOptions): Asking {
  const { environment, signal, isVerbose } = options;
  const { variables, stdout, workingDirectory: cwd, uid } = environment;
  const mungeSocket = variables['SLIPWAY_MUNGE_SOCKET'] ?? defaultMungeSocket;
  let site: UdiRoot | undefined;
  let client: GatewayClient | undefined;
  const readSite = (): UdiRoot => {
    site ??= readUdiRoot(
      variables['SLIPWAY_UDIROOT_CONF'] ?? defaultUdiRootPath,
      createInputs({ environment: variables, cwd }),
    );
    return site;
  };
  const logins = (): LoginOptions => {
    return { home: variables['HOME'] ?? '/', system: readSite().system, uid, mungeSocket, signal };
  };
  const openClient = async (): Promise<GatewayClient> => {
    const { imageGateways, gatewayTimeoutS, system } = readSite();
    const payload = await loginPayload(logins());
    return createGatewayClient({
      gateways: shuffled(imageGateways),
      system,
      timeoutMs: gatewayTimeoutS === undefined || gatewayTimeoutS === 0 ? undefined : gatewayTimeoutS * 1000,
      credential: () => mungeEncode(payload, { socketPath: mungeSocket, signal }),
      userAgent: `shifterimg slipway/${build.version}`,
      onFailure: (failure) => {
        if (failure.kind === 'unreachable') stdout.write('ERROR: failed to contact the image gateway.\n');
        else if (isVerbose) stdout.write(`Got response: ${failure.answer.status}\nMessage: ${failure.answer.text}\n`);
      },
    });
  };
  return {
    ...options,
    site: readSite,
    logins,
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
    close: async () => await client?.close(),
  };
}

/** In any order: so that several gateways share the work. */
function shuffled(gateways: readonly string[]): readonly string[] {
  return gateways
    .map((gateway) => ({ gateway, place: Math.random() }))
    .sort((left, right) => left.place - right.place)
    .map(({ gateway }) => gateway);
}
