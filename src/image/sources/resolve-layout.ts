// SPDX-License-Identifier: Apache-2.0
// From a manifest or index on this machine to an image: as from a registry, no byte is parsed before its digest is
// checked, whoever wrote it.
import {
  type Descriptor,
  formatPlatform,
  type ImageManifest,
  parseImageConfig,
  parseManifest,
  platformFit,
} from '../../formats/oci/index.ts';
import { type Digest, type Emit, type Platform, type PullEvent, SlipwayError } from '../../model/index.ts';
import { verifyDigest } from '../digest-of.ts';
import { membersFor } from '../members-for.ts';
import { defaultLimits } from '../registry/settings.ts';
import type { ResolvedImage } from '../types.ts';
import { type Member, readMember } from './members.ts';

export type LayoutReader = {
  /** The directory or archive, for messages. */
  readonly path: string;
  readonly findManifest: (digest: Digest) => Promise<Member | undefined>;
  readonly findBlob: (digest: Digest) => Promise<Member | undefined>;
};

export type LayoutResolution = {
  readonly reader: LayoutReader;
  /** Where to begin. */
  readonly top: Descriptor;
  /** The bytes of `top` where no member has them. */
  readonly madeManifest?: Buffer;
  readonly platform: Platform;
  readonly emit: Emit<PullEvent>;
};

const maxDepth = 3;

/**
 * @throws SlipwayError `layout-blob-missing`, `layout-malformed`, `digest-mismatch`, `manifest-malformed`,
 *   `manifest-unsupported`, `platform-missing`
 */
export async function resolveLayout(resolution: LayoutResolution): Promise<ResolvedImage> {
  const { reader, top, platform } = resolution;
  const what = `the manifest of ${reader.path}`;
  const available = new Set<string>();

  type Found = { readonly manifest: ImageManifest; readonly bytes: Buffer; readonly digest: Digest };
  const find = async (descriptor: Descriptor, depth: number): Promise<Found | undefined> => {
    if (depth > maxDepth) {
      const reason = `its indexes are nested deeper than ${maxDepth}`;
      throw new SlipwayError('manifest-unsupported', { what: reader.path, reason });
    }
    const made = depth === 0 ? resolution.madeManifest : undefined;
    const bytes = made ?? (await readVerified(reader, descriptor, what));
    const parsed = parseManifest(bytes, what, descriptor.mediaType === '' ? undefined : descriptor.mediaType);
    if (parsed.kind === 'manifest') return { manifest: parsed, bytes, digest: descriptor.digest };
    for (const member of parsed.members) {
      if (member.platform !== undefined) available.add(formatPlatform(member.platform));
    }
    for (const member of membersFor(parsed.members, platform)) {
      const inner = await find(member, depth + 1);
      if (inner !== undefined) return inner;
    }
    return undefined;
  };

  const found = await find(top, 0);
  if (found === undefined) {
    throw new SlipwayError('platform-missing', {
      reference: reader.path,
      platform: formatPlatform(platform),
      available: available.size === 0 ? 'none at all' : [...available].sort().slice(0, 40).join(', '),
    });
  }
  const { manifest, bytes, digest } = found;
  const configBytes = await readConfig(reader, manifest.config);
  const { config, diffIds } = parseImageConfig(configBytes, `the configuration of ${reader.path}`, platform);
  if (diffIds.length !== manifest.layers.length) {
    const reason = `it names ${diffIds.length} layers (rootfs.diff_ids), the manifest ${manifest.layers.length}`;
    throw new SlipwayError('manifest-malformed', { what: `the configuration of ${reader.path}`, reason });
  }
  if (platformFit(config.platform, platform) === undefined) {
    const text = `${reader.path} says that it is for ${formatPlatform(config.platform)}, not for ${formatPlatform(platform)}`;
    resolution.emit({ type: 'warning', code: 'platform-differs', text, count: 1 });
  }
  return {
    digest,
    ...(digest === top.digest ? {} : { indexDigest: top.digest }),
    manifestBytes: bytes,
    configBytes,
    configDigest: manifest.config.digest,
    config,
    layers: manifest.layers.map(({ mediaType, digest, sizeBytes }, index) => {
      const diffId = diffIds[index];
      return { mediaType, digest, sizeBytes, ...(diffId === undefined ? {} : { diffId }) };
    }),
  };
}

async function readVerified(reader: LayoutReader, descriptor: Descriptor, what: string): Promise<Buffer> {
  const member = await reader.findManifest(descriptor.digest);
  return await readDocument(reader, descriptor, { member, what, maxBytes: defaultLimits.manifestBytes });
}

async function readConfig(reader: LayoutReader, descriptor: Descriptor): Promise<Buffer> {
  const member = await reader.findBlob(descriptor.digest);
  const what = `the configuration of ${reader.path}`;
  return await readDocument(reader, descriptor, { member, what, maxBytes: defaultLimits.configBytes });
}

async function readDocument(
  reader: LayoutReader,
  descriptor: Descriptor,
  document: { readonly member: Member | undefined; readonly what: string; readonly maxBytes: number },
): Promise<Buffer> {
  const { member, what, maxBytes } = document;
  if (member === undefined) {
    throw new SlipwayError('layout-blob-missing', { path: reader.path, what: `${what} (${descriptor.digest})` });
  }
  const bytes = await readMember(member, what, maxBytes);
  if (bytes.length !== descriptor.sizeBytes) {
    const reason = `${what} has ${bytes.length} bytes, not ${descriptor.sizeBytes}`;
    throw new SlipwayError('layout-malformed', { path: reader.path, reason });
  }
  verifyDigest(bytes, descriptor.digest, what);
  return bytes;
}
