// SPDX-License-Identifier: Apache-2.0
// Pulling what is in no registry: layouts, archives, other engines' images, directories, tarballs, squashfs and SIF files.
import { resolve } from 'node:path';
import {
  type ConvertOptions,
  type ImageAccess,
  importTree,
  openSource,
  pullImage,
  resolvePathTransport,
  type Store,
} from '../../image/index.ts';
import {
  type Digest,
  type ImageReference,
  type Platform,
  type SourceReference,
  storeNameOf,
  type Trust,
} from '../../model/index.ts';
import type { PullReporter } from '../terminal/pull-reporter.ts';
import type { CommandContext } from './context.ts';
import { searchPathOf, sourceOptions } from './open-image.ts';
import { askLocalTrust, type LocalReference, trustedLocal } from './local-trust.ts';

export type LocalPull = CommandContext & {
  readonly platform: Platform;
  readonly trust: Trust;
  readonly store: Store;
  readonly convertOptions: ConvertOptions;
  /** Who alone may use the image. */
  readonly imageAccess?: ImageAccess;
  /** Instead of the name that the source gives. */
  readonly name?: ImageReference;
  readonly reporter: PullReporter;
};

/** A reference to anything but a registry's image. */
export type AnyLocalReference = Exclude<SourceReference, { transport: 'docker' | 'name' }>;

/** Brings an image into the store; the name and digest that it has there. Errors as `openSource`, `pullImage`, `importTree`. */
export async function pullLocal(
  asked: AnyLocalReference,
  pull: LocalPull,
): Promise<{ readonly reference: ImageReference; readonly digest: Digest }> {
  const { environment, signal, platform, trust, store, convertOptions, reporter } = pull;
  const { emit } = reporter;
  const { clock } = environment;
  const source = await absolute(asked, pull);
  const reference = pull.name ?? storeNameOf(source);
  await store.prepare();
  const settings = await sourceOptions({
    environment,
    platform,
    plainHttp: false,
    xattrs: convertOptions.xattrs,
    temporaryDirectory: store.path,
    emit,
    signal,
  });
  const opened = await openSource(source, { ...settings, temporaryPath: store.temporaryPath });
  try {
    const access = pull.imageAccess === undefined ? {} : { access: pull.imageAccess };
    const order = { reference, store, convertOptions, emit, signal, clock, ...access };
    if (opened.kind === 'tree') {
      await askLocalTrust(trust, { source, reference }, [], { clock, signal });
      const { digest } = await importTree({ ...order, tree: opened.source });
      return { reference, digest };
    }
    const trusted = trustedLocal(opened.source, { source, reference }, trust, clock);
    const { digest } = await pullImage({ ...order, source: trusted });
    return { reference, digest };
  } finally {
    await opened.source.close();
  }
}

/** With an absolute path, and for a bare path what its content says that it is. */
async function absolute(reference: AnyLocalReference, { environment, signal }: LocalPull): Promise<LocalReference> {
  if (!('path' in reference)) return reference;
  const path = resolve(environment.workingDirectory, reference.path);
  if (reference.transport !== 'path') return { ...reference, path };
  return await resolvePathTransport(path, { searchPath: searchPathOf(environment), signal });
}
