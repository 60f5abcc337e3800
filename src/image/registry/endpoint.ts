// SPDX-License-Identifier: Apache-2.0
// Where a registry's API is: the host behind its name, and over which schemes it may be reached.
import { defaultRegistry } from '../../model/index.ts';
import { isLoopbackHost } from '../../sys/proxies.ts';

/** Docker Hub's name is not the name of a host that serves the API. */
const dockerHubHost = 'registry-1.docker.io';

/**
 * The API's addresses, in the order in which to try them. More than one have loopback addresses, as what never leaves the
 * machine may go without TLS, and registries that a site calls insecure.
 */
export function registryAddresses(registry: string, plainHttp: boolean, isInsecure = false): readonly [URL, ...URL[]] {
  const host = registry === defaultRegistry ? dockerHubHost : registry;
  const plain = new URL(`http://${host}/v2/`);
  if (plainHttp) return [plain];
  const secure = new URL(`https://${host}/v2/`);
  return isInsecure || isLoopbackHost(secure.hostname) ? [secure, plain] : [secure];
}
