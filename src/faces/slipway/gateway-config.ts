// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { SlipwayError } from '../../model/index.ts';
import { type ConfigProblem, type GatewayConfig, parseGatewayConfig } from '../../site/index.ts';
import { readFileIfPresent } from '../../sys/files.ts';

import type { FaceEnvironment } from '../terminal/environment.ts';

const usualPath = '/etc/shifter/imagemanager.json';
const maxBytes = 4 * 1024 * 1024;

export type ReadConfig = {
  readonly path: string;
  readonly config: GatewayConfig | undefined;
  readonly problems: readonly ConfigProblem[];
};

/** Reads the configuration that is given, or that GWCONFIG names. @throws SlipwayError `gateway-config-invalid` where there is none */
export async function readGatewayConfig(given: string | undefined, environment: FaceEnvironment): Promise<ReadConfig> {
  const { variables, workingDirectory } = environment;
  const named = given ?? variables['GWCONFIG'];
  const path = resolve(workingDirectory, named === undefined || named === '' ? usualPath : named);
  const bytes = await readFileIfPresent(path, { maxBytes });
  if (bytes === undefined)
    throw new SlipwayError(
      'gateway-config-invalid',
      { path, reason: 'there is no such file' },
      { hint: 'name another by --config or GWCONFIG; docs/administrators/gateway.md says what stands in it' },
    );
  return { path, ...(await parseGatewayConfig(bytes.toString('utf8'), workingDirectory)) };
}

/** As `readGatewayConfig`, for who can't go on without. @throws SlipwayError `gateway-config-invalid` */
export async function validGatewayConfig(
  given: string | undefined,
  environment: FaceEnvironment,
): Promise<ReadConfig & { readonly config: GatewayConfig }> {
  const read = await readGatewayConfig(given, environment);
  const { config } = read;
  if (config !== undefined) return { ...read, config };
  const errors = read.problems.filter(({ severity }) => severity === 'error').map((each) => problemText(each));
  throw new SlipwayError('gateway-config-invalid', { path: read.path, reason: errors.join('; ') });
}

/** `line 3, Platforms.cori.host: it is missing`. */
export function problemText({ line, key, text }: ConfigProblem): string {
  const place = [...(line === 0 ? [] : [`line ${line}`]), ...(key === '' ? [] : [key])].join(', ');
  return place === '' ? text : `${place}: ${text}`;
}
