// SPDX-License-Identifier: Apache-2.0
// Shifter's imagemanager.json, as the gateway's configuration.
import type { ParsedConfig } from './types.ts';

export type { ConfigProblem, GatewayConfig, Location, PlatformConfig, RemoteAccess } from './types.ts';

/**
 * Reads the file's text. `config` is undefined where a problem is an error. Relative paths count from `directory`, the
 * gateway's working directory.
 */
export async function parseGatewayConfig(text: string, directory: string): Promise<ParsedConfig> {
  // The YAML parser takes long to load; only the service needs it.
  const { parseConfigText } = await import('./parse.ts');
  return parseConfigText(text, directory);
}
