// SPDX-License-Identifier: Apache-2.0
// An image as `docker load` and `podman load` take it: `manifest.json`, the configuration, and uncompressed layers, as
// docker save and skopeo write them (moby, image/tarexport).
import { createHash } from 'node:crypto';
import { composeConfig } from '../../formats/oci/index.ts';
import { type Digest, digestHex, SlipwayError } from '../../model/index.ts';
import { inLayer } from '../convert/layer-errors.ts';
import { digestOf } from '../digest-of.ts';
import { readDecompressed } from '../read-decompressed.ts';
import type { OpenedSource } from '../sources/open-source.ts';
import type { LayerDescriptor } from '../types.ts';
import { readBlob } from './read-blob.ts';
import { type ExportContext, resolveImage, writeTreeLayer } from './image-parts.ts';
import type { MemberWriter } from './member-writer.ts';
import { addBytes } from './oci-layout.ts';

export type DockerArchiveOptions = {
  /** `NAME:TAG` for RepoTags; none where undefined. */
  readonly name: string | undefined;
  readonly context: ExportContext;
};

/** Writes the archive; the digest of its configuration, which is the image's id to docker. */
export async function writeDockerArchive(
  opened: OpenedSource,
  members: MemberWriter,
  options: DockerArchiveOptions,
): Promise<Digest> {
  const { context } = options;
  const layerNames: string[] = [];
  const written = new Set<string>();
  const nameOf = (diffId: Digest): string => {
    const name = `${digestHex(diffId)}.tar`;
    layerNames.push(name);
    return name;
  };
  let configBytes: Buffer;
  if (opened.kind === 'tree') {
    const diffIds: Digest[] = [];
    await members.add(async (write) => {
      const { layer } = await writeTreeLayer(opened.source, write, { ...context, layerCompression: 'none' });
      diffIds.push(layer.diffId);
      return nameOf(layer.diffId);
    });
    configBytes = composeConfig(opened.source.config, diffIds, 'slipway convert');
  } else {
    const resolved = await resolveImage(opened.source, context);
    ({ configBytes } = resolved);
    for (const layer of resolved.layers) {
      await members.add(async (write) => {
        const name = nameOf(await unfold(opened, layer, write, options));
        if (written.has(name)) return undefined;
        written.add(name);
        return name;
      });
    }
  }
  const config = digestOf(configBytes);
  const configName = `${digestHex(config)}.json`;
  await addBytes(members, configName, configBytes);
  const entry = { Config: configName, RepoTags: options.name === undefined ? [] : [options.name], Layers: layerNames };
  await addBytes(members, 'manifest.json', Buffer.from(JSON.stringify([entry])));
  return config;
}

/** Writes a layer uncompressed, and gives the digest of that, which has to be what the configuration says. */
async function unfold(
  opened: Extract<OpenedSource, { kind: 'image' }>,
  layer: LayerDescriptor,
  write: (chunk: Buffer) => Promise<void>,
  options: DockerArchiveOptions,
): Promise<Digest> {
  const { context } = options;
  const { signal } = context;
  const hash = createHash('sha256');
  const refuse = (compression: string): SlipwayError =>
    new SlipwayError('layer-unreadable', { layer: layer.digest, reason: `it is compressed with ${compression}` });
  try {
    await readDecompressed(
      readBlob({ ...context, source: opened.source, layer }),
      { refuse, signal },
      async (chunk) => {
        hash.update(chunk);
        await write(chunk);
        return true;
      },
    );
  } catch (error) {
    throw inLayer(layer.digest, error);
  }
  const actual = `sha256:${hash.digest('hex')}` as Digest;
  if (layer.diffId !== undefined && layer.diffId.startsWith('sha256:') && actual !== layer.diffId) {
    throw new SlipwayError('layer-content-mismatch', { layer: layer.digest, actual, expected: layer.diffId });
  }
  return actual;
}
