// SPDX-License-Identifier: Apache-2.0
import { expandImageName, formatImageReference, SlipwayError } from '../../model/index.ts';
import { readRegistryAccess } from '../../site/index.ts';
import { noticeLine, signatureLine } from '../terminal/pull-lines.ts';
import type { CommandContext } from './context.ts';
import { verify } from './descriptions/verify.ts';
import { openRegistry } from './open-registry.ts';
import { machinePlatform, parsePlatform } from './platform.ts';
import { readCommandLine, usageError } from './read-command-line.ts';

export async function run(argv: readonly string[], { environment, signal }: CommandContext): Promise<number> {
  const { stdout, stderr, variables } = environment;
  const line = readCommandLine(verify, argv);
  const asked = { keys: line.values('key'), policy: line.value('policy') };
  const access = await readRegistryAccess({ environment: variables, home: variables['HOME'] ?? '/' }, asked);
  const [reference] = expandImageName(line.operands[0] ?? '', access.rules);
  const platformText = line.value('platform');
  const platform = platformText === undefined ? machinePlatform(process.arch) : parsePlatform(platformText);
  if (platform === undefined) throw usageError(verify, `--platform: "${platformText}" is not OS/ARCH[/VARIANT]`);
  const source = openRegistry(reference, {
    environment,
    access,
    platform,
    plainHttp: line.has('plain-http'),
    emit: (event) => {
      const notice = noticeLine(event);
      if (notice !== undefined) stderr.write(`${notice}\n`);
    },
  });
  try {
    const resolved = await source.resolve(signal);
    const { verification } = resolved;
    const name = formatImageReference({ ...reference, digest: resolved.digest });
    // A check that checked nothing must not look like one that succeeded.
    if (verification === undefined) throw new SlipwayError('nothing-to-verify', { reference: name });
    if (line.has('json')) {
      stdout.write(`${JSON.stringify({ name, digest: resolved.digest, ...verification }, undefined, 2)}\n`);
    } else {
      for (const signature of verification.signatures) stderr.write(`${signatureLine(name, signature)}\n`);
      stdout.write(`${name}\n`);
    }
    return 0;
  } finally {
    await source.close();
  }
}
