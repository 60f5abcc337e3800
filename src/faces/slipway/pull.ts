// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import {
  type ConvertOptions,
  defaultConvertOptions,
  type ForeignLayers,
  type ImageAccess,
  pullImage,
  type Store,
} from '../../image/index.ts';
import {
  type Digest,
  expandImageName,
  formatImageReference,
  hasCode,
  type ImageReference,
  namesRegistry,
  parseImageReference,
  parseSourceReference,
  type Platform,
  SlipwayError,
} from '../../model/index.ts';
import { type RegistryAccess, readRegistryAccess } from '../../site/index.ts';
import { statFollowing } from '../../sys/files.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';
import { createPullReporter, type PullReporter } from '../terminal/pull-reporter.ts';
import { readAccess } from './access.ts';
import type { CommandContext } from './context.ts';
import { pull } from './descriptions/pull.ts';
import { failureLine } from './failure-line.ts';
import { openRegistry } from './open-registry.ts';
import { type AnyLocalReference, pullLocal } from './pull-local.ts';
import { usedThreads } from './image-options.ts';
import { machinePlatform, parsePlatform } from './platform.ts';
import { readCommandLine, usageError } from './read-command-line.ts';
import { parseSize } from './sizes.ts';
import { openUserStore } from './store.ts';

const mostConcurrency = 64;

export async function run(argv: readonly string[], context: CommandContext): Promise<number> {
  const { environment } = context;
  const line = readCommandLine(pull, argv);
  const threads = usedThreads();
  const access = await readRegistryAccess(
    { environment: environment.variables, home: environment.variables['HOME'] ?? '/' },
    { keys: line.values('verify-key'), policy: line.value('policy') },
  );
  // Whatever can be wrong in the words is told before anything is asked of a registry.
  const sources: PullSource[] = [];
  for (const operand of line.operands) {
    sources.push(await hintingAtPath(operand, environment, () => readSource(operand, access)));
  }
  const platform = readPlatform(line.value('platform'));
  const limits = readLimits(line, environment.variables);
  const name = readName(line.value('name'), sources);
  const isJson = line.has('json');
  const imageAccess = readAccess(line.values('allow-user'), line.values('allow-group'));
  const store = await openUserStore(environment);

  const reporter = createPullReporter(environment, isJson ? 'json' : line.has('quiet') ? 'quiet' : 'people');
  try {
    for (const [index, source] of sources.entries()) {
      const settings: Settings = {
        platform,
        ...(name === undefined ? {} : { name }),
        ...limits,
        threads,
        plainHttp: line.has('plain-http'),
        foreignLayers: line.has('foreign-layers') ? 'fetch' : 'refuse',
        access,
        ...(imageAccess === undefined ? {} : { imageAccess }),
        store,
        reporter,
        ...context,
      };
      const operand = line.operands[index] ?? '';
      const { reference, digest } = await hintingAtPath(operand, environment, () => pullSource(source, settings));
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

/** What a name in registries may mean, or something that is in none. */
type PullSource = readonly [ImageReference, ...ImageReference[]] | AnyLocalReference;

function readSource(operand: string, { rules }: RegistryAccess): PullSource {
  const source = parseSourceReference(operand);
  // Names follow the rules for short ones; docker:// says that a name is full.
  if (source.transport === 'name' || source.transport === 'docker') return expandImageName(operand, rules);
  return source;
}

/** A word without any mark of a path is a registry's; where that fails, and here is a file or directory, it is told. */
async function hintingAtPath<Result>(
  operand: string,
  { workingDirectory }: FaceEnvironment,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const isName = error instanceof SlipwayError && parseSourceReference(operand).transport === 'name';
    if (!isName || (await statFollowing(resolve(workingDirectory, operand))) === undefined) throw error;
    throw error.hinting(`did you mean what is here: slipway pull ./${operand}`);
  }
}

function readName(text: string | undefined, sources: readonly PullSource[]): ImageReference | undefined {
  if (text === undefined) return undefined;
  const [only, ...others] = sources;
  if (only === undefined || others.length > 0 || !('transport' in only)) {
    throw usageError(pull, '--name: it names one image that comes from no registry');
  }
  return parseImageReference(namesRegistry(text) ? text : `localhost/${text}`);
}

type Settings = CommandContext & {
  readonly name?: ImageReference;
  readonly platform: Platform;
  readonly concurrency?: number;
  readonly bytesPerSecond?: number;
  readonly maxPackBytes?: number;
  readonly threads: number;
  readonly plainHttp: boolean;
  readonly foreignLayers: ForeignLayers;
  readonly access: RegistryAccess;
  readonly imageAccess?: ImageAccess;
  readonly store: Store;
  readonly reporter: PullReporter;
};

async function pullSource(
  source: PullSource,
  settings: Settings,
): Promise<{ readonly reference: ImageReference; readonly digest: Digest }> {
  if ('transport' in source)
    return await pullLocal(source, {
      ...settings,
      trust: settings.access.trust,
      convertOptions: convertOptions(settings),
    });
  return await pullFirst(source, settings);
}

/** The first that there is of what a short name may mean. */
async function pullFirst(
  candidates: readonly [ImageReference, ...ImageReference[]],
  settings: Settings,
): Promise<{ readonly reference: ImageReference; readonly digest: Digest }> {
  const [reference, next, ...rest] = candidates;
  try {
    return { reference, digest: await pullOne(reference, settings) };
  } catch (error) {
    if (next === undefined || !hasCode(error, 'manifest-unknown', 'repository-unknown', 'registry-denied')) throw error;
    return await pullFirst([next, ...rest], settings);
  }
}

async function pullOne(reference: ImageReference, settings: Settings): Promise<Digest> {
  const { environment, signal, reporter, concurrency, bytesPerSecond } = settings;
  const { clock } = environment;
  const source = openRegistry(reference, {
    ...settings,
    emit: reporter.emit,
    ...(bytesPerSecond === undefined ? {} : { limits: { bytesPerSecond } }),
  });
  try {
    const { digest } = await pullImage({
      reference,
      source,
      store: settings.store,
      convertOptions: convertOptions(settings),
      ...(settings.maxPackBytes === undefined ? {} : { maxPackBytes: settings.maxPackBytes }),
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(settings.imageAccess === undefined ? {} : { access: settings.imageAccess }),
      emit: reporter.emit,
      signal,
      clock,
    });
    return digest;
  } finally {
    await source.close();
  }
}

function convertOptions({ threads }: Settings): ConvertOptions {
  return { ...defaultConvertOptions, threads };
}

function readPlatform(text: string | undefined): Platform {
  if (text === undefined) return machinePlatform(process.arch);
  const platform = parsePlatform(text);
  if (platform === undefined)
    throw usageError(pull, `--platform: "${text}" is not OS/ARCH[/VARIANT], e.g. linux/arm64`);
  return platform;
}

/** What an option says, or else its variable, by which a site sets a default for all. */
function readLimits(
  line: { readonly value: (name: 'concurrency' | 'limit-rate') => string | undefined },
  variables: Readonly<Record<string, string | undefined>>,
): Pick<Settings, 'concurrency' | 'bytesPerSecond' | 'maxPackBytes'> {
  const [concurrency, rate] = [
    { option: 'concurrency', variable: 'SLIPWAY_PULL_CONCURRENCY' } as const,
    { option: 'limit-rate', variable: 'SLIPWAY_PULL_RATE' } as const,
  ].map(({ option, variable }) => {
    const given = line.value(option);
    if (given !== undefined) return { name: `--${option}`, text: given };
    const text = variables[variable] ?? '';
    return text === '' ? undefined : { name: variable, text };
  });
  const packs = variables['SLIPWAY_PACKS_SIZE'] ?? '';
  return {
    ...(packs === '' ? {} : { maxPackBytes: readPacksSize(packs) }),
    ...(concurrency === undefined ? {} : { concurrency: readConcurrency(concurrency) }),
    ...(rate === undefined ? {} : { bytesPerSecond: readRate(rate) }),
  };
}

function readPacksSize(text: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined) return bytes;
  throw usageError(pull, `SLIPWAY_PACKS_SIZE: "${text}" is no number of bytes, e.g. 20G`);
}

type Given = { readonly name: string; readonly text: string };

function readConcurrency({ name, text }: Given): number {
  const value = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= mostConcurrency) return value;
  throw usageError(pull, `${name}: "${text}" is no number from 1 to ${mostConcurrency}`);
}

function readRate({ name, text }: Given): number {
  const bytes = parseSize(text) ?? 0;
  if (bytes > 0) return bytes;
  throw usageError(pull, `${name}: "${text}" is no number of bytes a second, e.g. 20M`);
}
