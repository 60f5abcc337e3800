// SPDX-License-Identifier: Apache-2.0
// What sarus's commands share: the site, whose repository, and how images get there.
import {
  createCredentialLookup,
  type CredentialLookup,
  createRegistrySource,
  defaultConvertOptions,
  type ImageSource,
  openStore,
  publishSarusImage,
  pullImage,
  type SarusReference,
  type SarusRepository,
  formatSarusReference,
} from '../../image/index.ts';
import { type Emit, type ImageConfig, parseImageReference, type PullEvent } from '../../model/index.ts';
import { readPerson } from '../../launch/index.ts';
import { findSarusSite, readRegistryAccess, type SarusSite } from '../../site/index.ts';
import { createInputs } from '../../sys/inputs.ts';
import { build } from '../terminal/build.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';
import { repositoryOf } from './repositories.ts';

export type SarusContext = {
  readonly environment: FaceEnvironment;
  readonly signal: AbortSignal;
  readonly site: SarusSite;
  readonly userName: string;
  readonly repository: (isCentral: boolean) => SarusRepository;
};

/** @throws SlipwayError `sarus-json` */
export function createContext(environment: FaceEnvironment, signal: AbortSignal): SarusContext {
  const inputs = createInputs({ environment: environment.variables, cwd: environment.workingDirectory });
  const site = findSarusSite(inputs);
  const { person } = readPerson(inputs);
  return {
    environment,
    signal,
    site,
    userName: person.userName,
    repository: (isCentral) => repositoryOf(site, { isCentral, ...person }),
  };
}

// More would gain little and disturb the other users of a login node.
const mostThreads = 8;

/** An image in a registry; `credentials` are asked instead of the files where they are given. */
export async function openRegistryImage(
  reference: SarusReference,
  given: {
    readonly context: SarusContext;
    readonly credentials: CredentialLookup | undefined;
    readonly emit: Emit<PullEvent>;
  },
): Promise<ImageSource> {
  const { environment } = given.context;
  const home = environment.variables['HOME'] ?? '/';
  const access = await readRegistryAccess({ environment: environment.variables, home });
  const credentials =
    given.credentials ??
    createCredentialLookup({
      environment: environment.variables,
      home,
      helpers: access.rules.credentialHelpers,
    });
  return createRegistrySource({
    reference: parseImageReference(formatSarusReference(reference)),
    platform: { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch },
    ...access,
    credentials,
    emit: given.emit,
    userAgent: `slipway/${build.version}`,
    clock: environment.clock,
  });
}

/** Brings an image into the repository, under a name. Gives its digest. */
export async function addToRepository(
  reference: SarusReference,
  given: {
    readonly context: SarusContext;
    readonly repository: SarusRepository;
    readonly source: ImageSource;
    readonly emit: Emit<PullEvent>;
  },
): Promise<string> {
  const { context, repository, source, emit } = given;
  const { signal, environment } = context;
  const store = await openStore(repository.storePath);
  const { digest } = await pullImage({
    reference: parseImageReference(formatSarusReference(reference)),
    source,
    store,
    convertOptions: { ...defaultConvertOptions, threads: Math.min(navigator.hardwareConcurrency, mostThreads) },
    emit,
    signal,
    clock: environment.clock,
  });
  const stored = await store.readImage(digest);
  if (stored === undefined) throw new Error(`${digest} vanished from ${store.path}`);
  await publishSarusImage(repository, {
    reference,
    squashfsPath: store.imagePath(digest),
    meta: metaOf(stored.config),
    registryDigest: digest,
    id: (stored.configDigest ?? digest).replace(/^sha(?:256|512):/, ''),
    datasize: formatSize(stored.sizeBytes),
    created: formatTime(environment.clock.now()),
    signal,
  });
  return digest;
}

function metaOf({ cmd, entrypoint, workdir, env, labels }: ImageConfig): {
  readonly Cmd: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly WorkingDir: string;
  readonly Env: Readonly<Record<string, string>>;
  readonly Labels: Readonly<Record<string, string>>;
} {
  const variables = env.map((text) => {
    const equals = text.indexOf('=');
    return equals < 0 ? ([text, ''] as const) : ([text.slice(0, equals), text.slice(equals + 1)] as const);
  });
  return {
    Cmd: cmd,
    Entrypoint: entrypoint,
    WorkingDir: workdir ?? '',
    Env: Object.fromEntries(variables),
    Labels: labels,
  };
}

/** As Sarus writes sizes: two decimals, units of 1024. */
function formatSize(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'] as const;
  let value = bytes;
  let index = 0;
  for (; value >= 1024 && index < units.length - 1; index += 1) value /= 1024;
  return `${value.toFixed(2)}${units[index]}`;
}

/** Local time, `2026-11-21T19:00:00`. */
function formatTime(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-');
  return `${date}T${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')}`;
}
