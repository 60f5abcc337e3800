// SPDX-License-Identifier: Apache-2.0
import { createCredentialLookup, defaultConvertOptions, pushImage } from '../../image/index.ts';
import { formatImageReference, parseImageReference, parseSourceReference } from '../../model/index.ts';
import { readRegistryAccess } from '../../site/index.ts';
import { build } from '../terminal/build.ts';
import { createPullReporter } from '../terminal/pull-reporter.ts';
import { formatDuration, formatSize } from '../terminal/units.ts';
import type { CommandContext } from './context.ts';
import { push } from './descriptions/push.ts';
import { failureLine } from './failure-line.ts';
import { imageOptions, usedThreads } from './image-options.ts';
import { openImage, searchPathOf, temporaryPaths } from './open-image.ts';
import { readCommandLine, usageError } from './read-command-line.ts';
import { parseSize } from './sizes.ts';

const mostConcurrency = 64;

export async function run(argv: readonly string[], { environment, signal }: CommandContext): Promise<number> {
  const line = readCommandLine(push, argv);
  const [input = '', target = ''] = line.operands;
  if (!target.startsWith('docker://')) {
    throw usageError(push, `"${target}" does not begin with docker://`).hinting(`did you mean docker://${target}`);
  }
  const from = parseSourceReference(input);
  const to = parseImageReference(target);
  const read = imageOptions(push);
  const platform = read.platform(line.value('platform'));
  const concurrency = read.count('concurrency', line.value('concurrency'), mostConcurrency);
  const chunkBytes = readChunkSize(line.value('chunk-size'));
  const options = { ...defaultConvertOptions, threads: usedThreads(), owner: read.owner(line.value('owner')) };
  const layerCompression = read.layerCompression(line.value('layer-compression'));
  const isJson = line.has('json');
  const { variables, clock } = environment;
  const startedMs = clock.monotonicMs();
  const name = formatImageReference(to);

  const reporter = createPullReporter(environment, isJson ? 'json' : line.has('quiet') ? 'quiet' : 'people');
  try {
    const { emit } = reporter;
    emit({ type: 'resolving', reference: name });
    const home = variables['HOME'] ?? '/';
    const access = await readRegistryAccess({ environment: variables, home });
    const temporaryDirectory = variables['TMPDIR'] ?? '/tmp';
    const plainHttp = line.has('plain-http');
    const opened = await openImage(from, { environment, platform, plainHttp, temporaryDirectory, emit, signal });
    try {
      const { digest, sentBytes } = await pushImage({
        from: opened,
        to,
        access: {
          ...access,
          credentials: createCredentialLookup({
            environment: variables,
            home,
            helpers: access.rules.credentialHelpers,
          }),
          plainHttp,
          userAgent: `slipway/${build.version}`,
        },
        rules: access.rules,
        ...(from.transport === 'docker' && from.image.registry === to.registry
          ? { mountFrom: from.image.repository }
          : {}),
        ...(chunkBytes === undefined ? {} : { chunkBytes }),
        ...(concurrency === undefined ? {} : { concurrency }),
        temporaryPath: temporaryPaths(temporaryDirectory),
        context: { name, layerCompression, options, searchPath: searchPathOf(environment), emit, clock, signal },
      });
      reporter.close();
      const pushed = formatImageReference({ ...to, digest });
      if (isJson) {
        const event = { time: clock.now().toISOString(), type: 'pushed', reference: pushed, digest, sentBytes };
        environment.stdout.write(`${JSON.stringify(event)}\n`);
        return 0;
      }
      environment.stdout.write(`${pushed}\n`);
      if (!line.has('quiet')) {
        const duration = formatDuration(clock.monotonicMs() - startedMs);
        environment.stderr.write(`${name}: pushed in ${duration}, ${formatSize(sentBytes)} sent\n`);
      }
      return 0;
    } finally {
      await opened.source.close();
    }
  } catch (error) {
    if (isJson) environment.stdout.write(failureLine(error, environment));
    throw error;
  } finally {
    reporter.close();
  }
}

function readChunkSize(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const bytes = parseSize(text) ?? 0;
  if (bytes > 0) return bytes;
  throw usageError(push, `--chunk-size: "${text}" is no size, e.g. 64M`);
}
