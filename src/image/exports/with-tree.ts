// SPDX-License-Identifier: Apache-2.0
// Any image as a tree of files: what has layers is merged on the way.
import { ensureDirectory, removeTree } from '../../sys/files.ts';
import type { ConvertOptions, LayerSource } from '../convert/index.ts';
import { downloadLayers } from '../download/index.ts';
import { type StoredFile, storedChunks } from '../read-decompressed.ts';
import type { OpenedSource } from '../sources/open-source.ts';
import { mergedTree } from '../trees/merged-tree-source.ts';
import type { TreeSource } from '../trees/tree.ts';
import type { ImageSource, LayerDescriptor, LayerFile, ResolvedImage } from '../types.ts';
import { type ExportContext, resolveImage } from './image-parts.ts';

export type ImageAsTree = {
  readonly from: OpenedSource;
  readonly options: ConvertOptions;
  /** A directory that does not exist: layers that are not on this machine are in it for a while. */
  readonly layersDirectory: string;
  readonly context: ExportContext;
};

/** The image as a tree. Layers that are not on this machine are, compressed, in a directory for as long as `use` runs. */
export async function withTree<T>(image: ImageAsTree, use: (tree: TreeSource) => Promise<T>): Promise<T> {
  const { from, options, context } = image;
  const { searchPath, emit, signal } = context;
  if (from.kind === 'tree') return await use(from.source);
  const { source } = from;
  const resolved = await resolveImage(source, context);
  const asTree = (files: readonly LayerFile[]): TreeSource => {
    const layers = files.map((file) => layerSource(file, (stop) => storedChunks(storedFile(file), stop)));
    const { digest: name, config } = resolved;
    const archives = { layers, whiteouts: 'apply', topDirectory: 'keep' } as const;
    return mergedTree({ name, config, archives, options: { ...options, searchPath }, emit });
  };
  if ('localLayer' in source) {
    const layers: LayerFile[] = [];
    for (const layer of resolved.layers) layers.push(await source.localLayer(layer, signal));
    return await use(asTree(layers));
  }
  const directory = image.layersDirectory;
  try {
    return await use(asTree(await fetchLayers(source, resolved, { ...context, directory })));
  } finally {
    await removeTree(directory);
  }
}

export function layerSource(layer: LayerDescriptor, open: LayerSource['open']): LayerSource {
  const { digest: name, sizeBytes, diffId } = layer;
  return { name, sizeBytes, open, ...(diffId === undefined ? {} : { diffId }) };
}

function storedFile({ path, startBytes, sizeBytes }: LayerFile): StoredFile {
  return startBytes === undefined ? { path } : { path, range: { startBytes, lengthBytes: sizeBytes } };
}

async function fetchLayers(
  source: ImageSource,
  resolved: ResolvedImage,
  options: Pick<ExportContext, 'emit' | 'clock' | 'signal'> & { readonly directory: string },
): Promise<readonly LayerFile[]> {
  const { directory, emit, clock, signal } = options;
  await ensureDirectory(directory, { mode: 0o700 });
  return await downloadLayers({
    source,
    layers: resolved.layers,
    pathOf: (digest) => `${directory}/${digest.replace(':', '-')}`,
    emit,
    clock,
    signal,
  });
}
