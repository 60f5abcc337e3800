// SPDX-License-Identifier: Apache-2.0
// An image as an OCI layout (image-spec v1.1, "Image Layout"), or as skopeo's `dir:`.
import { composeLayoutIndex, layoutMarker } from '../../formats/oci/index.ts';
import { type Digest, digestAlgorithm, digestHex } from '../../model/index.ts';
import type { OpenedSource } from '../sources/open-source.ts';
import { type ExportContext, exportImage, type TakeLayer } from './image-parts.ts';
import type { MemberWriter } from './member-writer.ts';

/** Writes an OCI layout; the digest of its manifest. @param name the image's tag or name in it */
export async function writeOciLayout(
  opened: OpenedSource,
  members: MemberWriter,
  options: { readonly name: string | undefined; readonly context: ExportContext },
): Promise<Digest> {
  const blobName = (digest: Digest): string => `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
  const add = async (name: string, bytes: Buffer): Promise<void> => await addBytes(members, name, bytes);
  await add('oci-layout', layoutMarker);
  const image = await exportImage(opened, layerTaker(members, blobName), options.context);
  await add(blobName(image.config.digest), image.configBytes);
  await add(blobName(image.manifest.digest), image.manifestBytes);
  await add('index.json', composeLayoutIndex(image.manifest, options.name));
  return image.manifest.digest;
}

/** Writes a `dir:` directory; the digest of its manifest. */
export async function writeDirTransport(
  opened: OpenedSource,
  members: MemberWriter,
  context: ExportContext,
): Promise<Digest> {
  const image = await exportImage(opened, layerTaker(members, digestHex), context);
  await addBytes(members, digestHex(image.config.digest), image.configBytes);
  await addBytes(members, 'manifest.json', image.manifestBytes);
  await addBytes(members, 'version', Buffer.from('Directory Transport Version: 1.1\n'));
  return image.manifest.digest;
}

function layerTaker(members: MemberWriter, nameOf: (digest: Digest) => string): TakeLayer {
  return async (produce) => {
    await members.add(async (write) => nameOf((await produce(write)).digest));
  };
}

export async function addBytes(members: MemberWriter, name: string, bytes: Buffer): Promise<void> {
  await members.add(async (write) => {
    await write(bytes);
    return name;
  });
}
