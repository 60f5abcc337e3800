// SPDX-License-Identifier: Apache-2.0
import { describeError } from '../../model/index.ts';
import type { GatewayConfig } from '../../site/index.ts';
import { statFollowing } from '../../sys/files.ts';
import type { CommandContext } from './context.ts';
import { readGatewayConfig } from './gateway-config.ts';
import type { GatewayLine } from './gateway.ts';

/** What is named and not there, for whoever asks: the gateway itself may be another user, on another machine. */
async function absences(config: GatewayConfig): Promise<readonly string[]> {
  const { tls, examiner, locations, platforms, authentication } = config;
  const named: readonly (readonly [key: string, path: string | undefined])[] = [
    ['TLS.certificate', tls?.certificatePath],
    ['TLS.key', tls?.keyPath],
    ['examiner', examiner],
    ...[...locations.values()].map(
      ({ name, certificateAuthorityPath }) => [`Locations.${name}.sslcacert`, certificateAuthorityPath] as const,
    ),
    ...[...platforms.values()].flatMap(({ name, mungeSocketPath, imageDirectory, remote }) => [
      [`Platforms.${name}.mungeSocketPath`, authentication === 'munge' ? mungeSocketPath : undefined] as const,
      [`Platforms.${name}.local.imageDir`, remote === undefined ? imageDirectory : undefined] as const,
      [`Platforms.${name}.ssh.key`, remote?.keyPath] as const,
    ]),
  ];
  const texts = await Promise.all(
    named.map(async ([key, path]) => {
      if (path === undefined) return [];
      try {
        return (await statFollowing(path)) === undefined ? [`${key}: there is no ${path}`] : [];
      } catch (error) {
        return [`${key}: ${describeError(error)}`];
      }
    }),
  );
  return texts.flat();
}

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
  for (const text of await absences(config)) environment.stdout.write(`${path}: warning: ${text}\n`);
  const systems = [...config.platforms.keys()].join(', ');
  environment.stderr.write(`${path} is good for ${systems === '' ? 'no system' : systems}\n`);
  return 0;
}
