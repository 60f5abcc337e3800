// SPDX-License-Identifier: Apache-2.0
// The image that is wrapped, or in which something is installed: a squashfs file, a directory, or the name of an image in
// the store, which is pulled where it is not there yet.
import { join } from 'node:path';
import {
  convertImage,
  createCredentialLookup,
  createRegistrySource,
  defaultConvertOptions,
  fileStoreReader,
  openSource,
  openStore,
  pullImage,
  resolveInStores,
  storesToSearch,
} from '../image/index.ts';
import {
  type Emit,
  formatImageReference,
  formatSourceReference,
  hasCode,
  parseImageReference,
  parseSourceReference,
  type PullEvent,
  SlipwayError,
  type SourceReference,
} from '../model/index.ts';
import { readRegistryAccess } from '../site/index.ts';
import { readFileStart } from '../sys/file-chunks.ts';
import { statFollowed } from '../sys/place-files.ts';
import { temporaryName } from '../sys/process-identity.ts';
import { systemSearchPath } from '../sys/process.ts';
import type { WrapTools } from './tools.ts';

export type ContainerSource =
  | ({ readonly kind: 'squashfs'; readonly path: string } & ContainerFacts)
  | { readonly kind: 'directory'; readonly path: string }
  /** In another format or another engine's store, to be converted: SIF, an archive, an OCI layout. */
  | { readonly kind: 'other'; readonly reference: SourceReference };

export type ContainerFacts = {
  /** The image's own variables: `NAME=VALUE`. */
  readonly environment: readonly string[];
  /** By which exactly this image is found again, by its digest; undefined: only by the word that was given. */
  readonly identity: string | undefined;
};

/** Of a file of which nothing more is known. */
const noFacts: ContainerFacts = { environment: [], identity: undefined };

/** A word as it is given to wrap-container. @throws SlipwayError `wrap-source-missing`, and those of the store and of pulling */
export async function findContainer(word: string, tools: WrapTools): Promise<ContainerSource> {
  const path = word.startsWith('/') ? word : join(tools.workingDirectory, word);
  const stats = /^[a-z]+:\/\//.test(word) ? undefined : statFollowed(path);
  if (stats?.isDirectory() === true) {
    return statFollowed(join(path, 'oci-layout')) === undefined ? { kind: 'directory', path } : pathToConvert(path);
  }
  if (stats !== undefined) {
    const start = await readFileStart(path, 4);
    if (start.toString('latin1') === 'hsqs') return { kind: 'squashfs', path, ...noFacts };
    return pathToConvert(path);
  }
  const reference = parseSourceReference(word);
  const { transport } = reference;
  if (transport === 'path') throw new SlipwayError('wrap-source-missing', { path: word, what: 'container' });
  if (transport === 'docker') return await inStore(formatImageReference(reference.image), tools);
  if (transport === 'name') return await inStore(reference.text, tools);
  return { kind: 'other', reference };
}

function pathToConvert(path: string): ContainerSource {
  return { kind: 'other', reference: { transport: 'path', path } };
}

async function inStore(name: string, tools: WrapTools): Promise<ContainerSource> {
  const stores = storesToSearch(tools.variables, tools.variables['HOME'], fileStoreReader.readText);
  const find = (): ContainerSource => {
    const { squashfsPath, image, tag } = resolveInStores(name, stores, fileStoreReader);
    const { registry, repository } = tag?.reference ?? parseImageReference(name);
    return {
      kind: 'squashfs',
      path: squashfsPath,
      environment: image.config.env,
      identity: `${registry}/${repository}@${image.digest}`,
    };
  };
  try {
    return find();
  } catch (error) {
    if (!hasCode(error, 'image-not-found')) throw error;
  }
  tools.emit({ type: 'info', text: `Pulling ${name}` });
  await pull(name, stores[0], tools);
  return find();
}

async function pull(
  name: string,
  store: string,
  { variables, signal, clock, version, emit }: WrapTools,
): Promise<void> {
  const home = variables['HOME'] ?? '/';
  const access = await readRegistryAccess({ environment: variables, home });
  const report: Emit<PullEvent> = (event) => emit({ type: 'pull', event });
  const reference = parseImageReference(name);
  const source = createRegistrySource({
    reference,
    platform: { os: 'linux', architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' },
    ...access,
    credentials: createCredentialLookup({ environment: variables, home, helpers: access.rules.credentialHelpers }),
    plainHttp: false,
    foreignLayers: 'refuse',
    emit: report,
    userAgent: `slipway/${version}`,
    clock,
  });
  try {
    await pullImage({
      reference,
      source,
      store: await openStore(store),
      convertOptions: defaultConvertOptions,
      emit: report,
      signal,
      clock,
    });
  } finally {
    await source.close();
  }
}

/** Writes an image of another format to a squashfs at `target`, and gives what it says of itself. @throws SlipwayError of sources and of converting */
export async function convertContainer(
  reference: SourceReference,
  target: string,
  tools: WrapTools,
): Promise<ContainerFacts> {
  const { variables, workingDirectory, signal, clock } = tools;
  const searchPath = `${variables['PATH'] ?? ''}:${systemSearchPath}`;
  const { limits } = defaultConvertOptions;
  const name = formatSourceReference(reference);
  tools.emit({ type: 'stage', text: `Converting ${name}` });
  const emit: Emit<PullEvent> = (event) => {
    if (event.type === 'convert-progress') {
      tools.emit({ type: 'image-progress', files: undefined, contentBytes: event.doneBytes });
    } else if (event.type === 'warning') {
      tools.emit({ type: 'warning', text: event.text });
    }
  };
  const opened = await openSource(reference, {
    platform: { os: 'linux', architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' },
    options: { limits, xattrs: 'drop', searchPath },
    workingDirectory,
    temporaryPath: () => `${target}.${temporaryName()}`,
    openRegistry: () => {
      throw new Error('a file is in no registry');
    },
    environment: variables,
    emit,
    signal,
  });
  try {
    await convertImage({
      from: opened,
      name,
      to: { format: 'squashfs', path: target, compression: 'none' },
      replaces: false,
      options: defaultConvertOptions,
      searchPath,
      layerCompression: 'gzip',
      keepsOwners: false,
      keepsSetuid: false,
      emit,
      clock,
      signal,
    });
    const { config } = opened.kind === 'tree' ? opened.source : await opened.source.resolve(signal);
    return { ...noFacts, environment: config.env };
  } finally {
    await opened.source.close();
  }
}
