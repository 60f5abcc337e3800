// SPDX-License-Identifier: Apache-2.0
import {
  createCredentialLookup,
  createRegistrySource,
  defaultConvertOptions,
  pullImage,
  type Store,
} from '../../image/index.ts';
import {
  describeError,
  type Digest,
  formatImageReference,
  type ImageReference,
  parseImageReference,
  type Platform,
  SlipwayError,
} from '../../model/index.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';
import { createPullReporter, type PullReporter } from '../terminal/pull-reporter.ts';
import { build } from '../terminal/build.ts';
import type { CommandContext } from './context.ts';
import { pull } from './descriptions/pull.ts';
import { machinePlatform, parsePlatform } from './platform.ts';
import { proxySettings } from './proxy-settings.ts';
import { readCommandLine, usageError } from './read-command-line.ts';
import { openUserStore } from './store.ts';

// More would gain little and disturb the other users of a login node.
const mostThreads = 8;
const mostConcurrency = 64;

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const { environment } = context;
  const line = readCommandLine(pull, argv);
  // Whatever can be wrong in the words is told before anything is asked of a registry.
  const references = line.operands.map(parseImageReference);
  const platform = readPlatform(line.value('platform'));
  const concurrency = readConcurrency(line.value('concurrency'));
  const plainHttp = line.has('plain-http');
  const isJson = line.has('json');
  const store = await openUserStore(environment);

  const reporter = createPullReporter(environment, isJson ? 'json' : line.has('quiet') ? 'quiet' : 'people');
  try {
    for (const reference of references) {
      const digest = await pullOne(reference, { platform, concurrency, plainHttp, store, reporter, ...context });
      if (!isJson) environment.stdout.write(`${formatImageReference({ ...reference, digest })}\n`);
    }
  } catch (error) {
    if (isJson) environment.stdout.write(failureLine(error, environment));
    throw error;
  } finally {
    reporter.close();
  }
  return 0;
}

type Settings = CommandContext & {
  readonly platform: Platform;
  /** Undefined for the default. */
  readonly concurrency: number | undefined;
  readonly plainHttp: boolean;
  readonly store: Store;
  readonly reporter: PullReporter;
};

async function pullOne(reference: ImageReference, settings: Settings): Promise<Digest> {
  const { environment, signal, reporter, concurrency } = settings;
  const { variables, clock } = environment;
  const source = createRegistrySource({
    reference,
    platform: settings.platform,
    credentials: createCredentialLookup({ environment: variables, home: variables['HOME'] ?? '/' }),
    plainHttp: settings.plainHttp,
    emit: reporter.emit,
    userAgent: `slipway/${build.version}`,
    proxy: proxySettings(variables),
    clock,
  });
  try {
    const { digest } = await pullImage({
      reference,
      source,
      store: settings.store,
      convertOptions: { ...defaultConvertOptions, threads: Math.min(navigator.hardwareConcurrency, mostThreads) },
      ...(concurrency === undefined ? {} : { concurrency }),
      emit: reporter.emit,
      signal,
      clock,
    });
    return digest;
  } finally {
    await source.close();
  }
}

function readPlatform(text: string | undefined): Platform {
  if (text === undefined) return machinePlatform(process.arch);
  const platform = parsePlatform(text);
  if (platform === undefined)
    throw usageError(pull, `--platform: "${text}" is not OS/ARCH[/VARIANT], e.g. linux/arm64`);
  return platform;
}

function readConcurrency(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > mostConcurrency) {
    throw usageError(pull, `--concurrency: "${text}" is no number from 1 to ${mostConcurrency}`);
  }
  return value;
}

/** The last of the JSON lines when a pull fails. */
function failureLine(error: unknown, { clock }: FaceEnvironment): string {
  const about = error instanceof SlipwayError ? { code: error.code, hint: error.hint } : {};
  return `${JSON.stringify({ time: clock.now().toISOString(), type: 'failed', message: describeError(error), ...about })}\n`;
}
