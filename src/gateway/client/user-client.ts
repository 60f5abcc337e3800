// SPDX-License-Identifier: Apache-2.0
// A user's client of the site's image gateways: where they are says udiRoot.conf, who asks says munged, and which
// registries the user may pull from say the logins that are kept.
import { defaultUdiRootPath, readUdiRoot, type UdiRoot } from '../../site/index.ts';
import { createInputs } from '../../sys/inputs.ts';
import { defaultMungeSocket, mungeEncode } from '../../sys/munge-socket.ts';
import { createGatewayClient, type GatewayClient, type GatewayClientOptions } from './client.ts';
import { type LoginOptions, loginPayload } from './logins.ts';

export type UserSettings = {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly uid: number;
  readonly userAgent: string;
  readonly signal: AbortSignal;
};

/** SLIPWAY_UDIROOT_CONF, or Shifter's usual place. @throws SlipwayError as `readUdiRoot` */
export function readUserSite({ variables, workingDirectory: cwd }: UserSettings): UdiRoot {
  const path = variables['SLIPWAY_UDIROOT_CONF'] ?? defaultUdiRootPath;
  return readUdiRoot(path, createInputs({ environment: variables, cwd }));
}

export function userLogins({ variables, uid, signal }: UserSettings, system: string): LoginOptions {
  const mungeSocket = variables['SLIPWAY_MUNGE_SOCKET'] ?? defaultMungeSocket;
  return { home: variables['HOME'] ?? '/', system, uid, mungeSocket, signal };
}

/** A client for these gateways, which it tries in any order, so that several share the work. */
export async function openUserClient(
  settings: UserSettings,
  site: { readonly system: string; readonly gateways: readonly string[]; readonly timeoutSec: number | undefined },
  onFailure: NonNullable<GatewayClientOptions['onFailure']>,
): Promise<GatewayClient> {
  const logins = userLogins(settings, site.system);
  const payload = await loginPayload(logins);
  const timeoutSec = site.timeoutSec ?? 0;
  return createGatewayClient({
    gateways: shuffled(site.gateways),
    system: site.system,
    timeoutMs: timeoutSec === 0 ? undefined : timeoutSec * 1000,
    credential: () => mungeEncode(payload, { socketPath: logins.mungeSocket, signal: settings.signal }),
    userAgent: settings.userAgent,
    onFailure,
  });
}

function shuffled(gateways: readonly string[]): readonly string[] {
  return gateways
    .map((gateway) => ({ gateway, place: Math.random() }))
    .sort((left, right) => left.place - right.place)
    .map(({ gateway }) => gateway);
}
