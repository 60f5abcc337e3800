// SPDX-License-Identifier: Apache-2.0
// Making the documents of OCI image-spec v1.1: a manifest, a configuration, a layout's index. Keys come in a fixed order: the
// same image, the same bytes.
import type { Digest, ImageConfig } from '../../model/index.ts';
import type { Descriptor } from './manifest.ts';
import { ociConfigType, ociIndexType, ociManifestType, layerType } from './media-types.ts';

/** An image manifest. @param layers from the base upwards */
export function composeManifest(config: Descriptor, layers: readonly Descriptor[]): Buffer {
  return json({
    schemaVersion: 2,
    mediaType: ociManifestType,
    config: member(config),
    layers: layers.map(member),
  });
}

/** An image configuration. @param diffIds digests of the uncompressed layers, from the base upwards */
export function composeConfig(config: ImageConfig, diffIds: readonly Digest[], comment: string): Buffer {
  const { platform, created, env, entrypoint, cmd, workdir, user, labels } = config;
  const settings = {
    ...(user === undefined ? {} : { User: user }),
    ...(env.length === 0 ? {} : { Env: env }),
    ...(entrypoint.length === 0 ? {} : { Entrypoint: entrypoint }),
    ...(cmd.length === 0 ? {} : { Cmd: cmd }),
    ...(workdir === undefined ? {} : { WorkingDir: workdir }),
    ...(Object.keys(labels).length === 0 ? {} : { Labels: labels }),
  };
  return json({
    ...(created === undefined ? {} : { created }),
    architecture: platform.architecture,
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    os: platform.os,
    config: settings,
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: diffIds.map(() => ({ ...(created === undefined ? {} : { created }), created_by: comment })),
  });
}

/** The `index.json` of a layout with one image. @param name its tag or full name; none where left out */
export function composeLayoutIndex(manifest: Descriptor, name: string | undefined): Buffer {
  const annotations = name === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': name } };
  return json({
    schemaVersion: 2,
    mediaType: ociIndexType,
    manifests: [{ ...member(manifest), ...annotations }],
  });
}

/** The file that marks a directory as a layout. */
export const layoutMarker: Buffer = json({ imageLayoutVersion: '1.0.0' });

/** The OCI type of a layer of any type; its compression stays. @throws RangeError for what is no layer */
export function ociLayerType(mediaType: string): string {
  const type = layerType(mediaType);
  if (type === undefined) throw new RangeError(`${mediaType} is no layer`);
  const suffix = type.compression === 'none' ? '' : `+${type.compression}`;
  return `application/vnd.oci.image.layer.v1.tar${suffix}`;
}

export function configDescriptor(digest: Digest, sizeBytes: number): Descriptor {
  return { mediaType: ociConfigType, digest, sizeBytes };
}

function member({ mediaType, digest, sizeBytes }: Descriptor): object {
  return { mediaType, digest, size: sizeBytes };
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
