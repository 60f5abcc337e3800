// SPDX-License-Identifier: Apache-2.0
// Opening whatever a person names as an image, with what this face knows: credentials, proxies, programs, the store.
import { join, resolve } from 'node:path';
import {
  defaultConvertOptions,
  type OpenedSource,
  openSource,
  type OpenSourceOptions,
  squashfsTree,
  type TreeOptions,
} from '../../image/index.ts';
import {
  type Emit,
  hasCode,
  type Platform,
  type PullEvent,
  SlipwayError,
  type SourceReference,
} from '../../model/index.ts';
import { readRegistryAccess } from '../../site/index.ts';
import { statFollowing } from '../../sys/files.ts';
import { temporaryName } from '../../sys/process-identity.ts';
import { systemSearchPath } from '../../sys/process.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';
import { openRegistry } from './open-registry.ts';
import { findImage, userStorePath } from './store.ts';

export type OpenImageOptions = {
  readonly environment: FaceEnvironment;
  readonly platform: Platform;
  readonly plainHttp: boolean;
  readonly xattrs?: TreeOptions['xattrs'];
  readonly stripsTop?: boolean;
  /** For files that are made on the way. */
  readonly temporaryDirectory: string;
  readonly emit: Emit<PullEvent>;
  readonly signal: AbortSignal;
};

/** Programs are looked for where the caller would find them, and then where systems have them. */
export function searchPathOf({ variables }: FaceEnvironment): string {
  const path = variables['PATH'] ?? '';
  return path === '' ? systemSearchPath : `${path}:${systemSearchPath}`;
}

/** Paths in a directory that nobody else has. */
export function temporaryPaths(directory: string): () => string {
  return () => join(directory, `.slipway-${temporaryName()}`);
}

/** What `openSource` is told here. */
export async function sourceOptions(options: OpenImageOptions): Promise<OpenSourceOptions> {
  const { environment, platform, plainHttp, temporaryDirectory, emit, signal } = options;
  const { variables } = environment;
  const access = await readRegistryAccess({ environment: variables, home: variables['HOME'] ?? '/' });
  const { limits } = defaultConvertOptions;
  return {
    platform,
    options: { limits, xattrs: options.xattrs ?? 'drop', searchPath: searchPathOf(environment) },
    workingDirectory: environment.workingDirectory,
    temporaryPath: temporaryPaths(temporaryDirectory),
    openRegistry: (image) => openRegistry(image, { environment, access, platform, plainHttp, emit }),
    environment: variables,
    ...(options.stripsTop === undefined ? {} : { stripsTop: options.stripsTop }),
    emit,
    signal,
  };
}

/**
 * Opens an image; a bare name is one of the store, with the configuration that it has there, or else a path.
 * @throws SlipwayError of `openSource`; `image-not-found`, `image-ambiguous`
 */
export async function openImage(reference: SourceReference, options: OpenImageOptions): Promise<OpenedSource> {
  const settings = await sourceOptions(options);
  if (reference.transport !== 'name') return await openSource(reference, settings);
  try {
    const { image, squashfsPath } = findImage(reference.text, options.environment);
    const { options: treeOptions, emit } = settings;
    const tree = await squashfsTree({ path: squashfsPath, config: image.config, options: treeOptions, emit });
    return { kind: 'tree', source: tree };
  } catch (error) {
    if (!hasCode(error, 'image-not-found')) throw error;
    // As with `slipway run`: a word that the store does not know may be a file's.
    const path = resolve(settings.workingDirectory, reference.text);
    if ((await statFollowing(path)) !== undefined) return await openSource({ transport: 'path', path }, settings);
    const fields = { reference: reference.text, store: userStorePath(options.environment) };
    const hint = `${error.hint ?? ''}; or write docker://${reference.text} for a registry's image, ./${reference.text} for a file`;
    throw new SlipwayError('image-not-found', fields, { cause: error, hint });
  }
}
