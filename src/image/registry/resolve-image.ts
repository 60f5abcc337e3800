// SPDX-License-Identifier: Apache-2.0
// From a name to verified documents: the manifest, through an index where there is one, and the configuration
// (distribution-spec, "Pulling manifests"). No byte is parsed before its digest is checked.
import {
  type Descriptor,
  dockerListType,
  dockerManifestType,
  formatPlatform,
  type ImageIndex,
  type ImageManifest,
  type IndexMember,
  manifestKind,
  ociIndexType,
  ociManifestType,
  parseImageConfig,
  parseManifest,
  platformFit,
  schema1Unsupported,
} from '../../formats/oci/index.ts';
import {
  type Digest,
  type Emit,
  formatImageReference,
  parseDigest,
  type Platform,
  type PullEvent,
  SlipwayError,
} from '../../model/index.ts';
import { digestOf, verifyDigest } from '../digest-of.ts';
import { membersFor } from '../members-for.ts';
import type { ResolvedImage } from '../types.ts';
import { readBounded, readComplaint } from './answers.ts';
import { suggestTags } from './list-tags.ts';
import { type RegistrySession, unexpectedAnswer } from './session.ts';
import type { RegistryLimits } from './settings.ts';

export type ResolveOptions = {
  readonly session: RegistrySession;
  readonly platform: Platform;
  readonly limits: RegistryLimits;
  readonly emit: Emit<PullEvent>;
};

/** The image, and the addresses outside the registry of layers that it may not distribute. */
export type Resolution = {
  readonly image: ResolvedImage;
  readonly foreignUrls: ReadonlyMap<Digest, readonly string[]>;
};

type Document = { readonly bytes: Buffer; readonly digest: Digest; readonly contentType: string | undefined };
type FoundManifest = Document & { readonly manifest: ImageManifest };

const maxDepth = 3;
/** All manifests and indexes that one resolution may ask for. */
const maxDocuments = 16;
const acceptedTypes = [ociIndexType, dockerListType, ociManifestType, dockerManifestType].join(', ');

/** @throws SlipwayError as `createRegistrySource` lists them */
export async function resolveImage(options: ResolveOptions, signal: AbortSignal): Promise<Resolution> {
  const { reference } = options.session;
  const name = formatImageReference(reference);
  const top = await fetchManifest(options, reference.digest ?? reference.tag ?? 'latest', undefined, signal);
  const parsed = parseManifest(top.bytes, `the manifest of ${name}`, top.contentType);
  const found = parsed.kind === 'manifest' ? { ...top, manifest: parsed } : await findInIndex(options, parsed, signal);

  const { manifest } = found;
  const configBytes = await fetchConfig(options, manifest.config, signal);
  const { config, diffIds } = parseImageConfig(configBytes, `the configuration of ${name}`, options.platform);
  if (diffIds.length !== manifest.layers.length) {
    throw new SlipwayError('manifest-malformed', {
      what: `the configuration of ${name}`,
      reason: `it names ${diffIds.length} layers (rootfs.diff_ids), the manifest ${manifest.layers.length}`,
    });
  }
  checkPlatform(options, config.platform);
  const layers = manifest.layers.map(({ mediaType, digest, sizeBytes }, index) => {
    const diffId = diffIds[index];
    return { mediaType, digest, sizeBytes, ...(diffId === undefined ? {} : { diffId }) };
  });
  return {
    image: {
      digest: found.digest,
      ...(parsed.kind === 'index' ? { indexDigest: top.digest } : {}),
      manifestBytes: found.bytes,
      configBytes,
      configDigest: manifest.config.digest,
      config,
      layers,
    },
    foreignUrls: new Map(
      manifest.layers.filter(({ urls }) => urls.length > 0).map(({ digest, urls }) => [digest, urls]),
    ),
  };
}

/** Follows an index, and indexes within it, to the manifest that fits the platform best. */
async function findInIndex(options: ResolveOptions, index: ImageIndex, signal: AbortSignal): Promise<FoundManifest> {
  const name = formatImageReference(options.session.reference);
  const available = new Set<string>();
  let documents = 0;

  const search = async (members: readonly IndexMember[], depth: number): Promise<FoundManifest | undefined> => {
    if (depth > maxDepth) {
      throw new SlipwayError('manifest-unsupported', {
        what: name,
        reason: `its indexes are nested deeper than ${maxDepth}`,
      });
    }
    for (const member of members) if (member.platform !== undefined) available.add(formatPlatform(member.platform));
    for (const member of membersFor(members, options.platform)) {
      if (++documents > maxDocuments) {
        throw new SlipwayError('manifest-unsupported', {
          what: name,
          reason: `it consists of more than ${maxDocuments} manifests`,
        });
      }
      const document = await fetchManifest(options, member.digest, member, signal);
      const parsed = parseManifest(document.bytes, `manifest ${member.digest} of ${name}`, member.mediaType);
      if (parsed.kind === 'manifest') return { ...document, manifest: parsed };
      const inner = await search(parsed.members, depth + 1);
      if (inner !== undefined) return inner;
    }
    return undefined;
  };

  const found = await search(index.members, 1);
  if (found !== undefined) return found;
  throw new SlipwayError('platform-missing', {
    reference: name,
    platform: formatPlatform(options.platform),
    available: available.size === 0 ? 'none at all' : [...available].sort().slice(0, 40).join(', '),
  });
}

async function fetchManifest(
  options: ResolveOptions,
  wanted: string,
  descriptor: Descriptor | undefined,
  signal: AbortSignal,
): Promise<Document> {
  const { session, limits } = options;
  const { registry } = session.reference;
  const name = formatImageReference(session.reference);
  const what = descriptor === undefined ? `the manifest of ${name}` : `manifest ${wanted} of ${name}`;
  const task = `pull ${name}`;
  const maxBytes = Math.min(limits.manifestBytes, descriptor?.sizeBytes ?? limits.manifestBytes);

  const request = { path: `manifests/${wanted}`, task, headers: { accept: acceptedTypes } };
  const answer = await session.get(request, signal, async (response) => {
    if (response.status === 404) return { complaint: await readComplaint(response) };
    if (response.status !== 200) throw await unexpectedAnswer(response, task, registry);
    const bytes = await readBounded(response.body, maxBytes);
    if (bytes === undefined) {
      throw new SlipwayError('manifest-malformed', { what, reason: `it is larger than ${maxBytes} bytes` });
    }
    return {
      bytes,
      contentType: response.header('content-type')[0],
      stated: parseDigest(response.header('docker-content-digest')[0] ?? ''),
    };
  });
  if ('complaint' in answer) throw await unknownManifest(session, wanted, answer.complaint.codes, signal);

  const { bytes, contentType, stated } = answer;
  if (descriptor !== undefined && bytes.length !== descriptor.sizeBytes) {
    throw new SlipwayError('manifest-malformed', {
      what,
      reason: `it has ${bytes.length} bytes, its index says ${descriptor.sizeBytes}`,
    });
  }
  // Its digest is not that of its bytes but of those that are signed: it could not be checked below.
  if (contentType !== undefined && manifestKind(contentType) === 'schema1') throw schema1Unsupported(what);
  const expected = parseDigest(wanted);
  for (const digest of [expected, stated]) if (digest !== undefined) verifyDigest(bytes, digest, what);
  return { bytes, digest: expected ?? digestOf(bytes), contentType };
}

async function fetchConfig(options: ResolveOptions, descriptor: Descriptor, signal: AbortSignal): Promise<Buffer> {
  const { session, limits } = options;
  const name = formatImageReference(session.reference);
  const what = `the configuration of ${name}`;
  if (descriptor.sizeBytes > limits.configBytes) {
    throw new SlipwayError('manifest-malformed', { what, reason: `it is larger than ${limits.configBytes} bytes` });
  }
  const task = `pull ${name}`;
  const request = { path: `blobs/${descriptor.digest}`, task };
  return await session.get(request, signal, async (response) => {
    const { registry } = session.reference;
    if (response.status === 404) throw new SlipwayError('blob-unknown', { digest: descriptor.digest, registry });
    if (response.status !== 200) throw await unexpectedAnswer(response, task, registry);
    const bytes = await readBounded(response.body, descriptor.sizeBytes);
    if (bytes?.length !== descriptor.sizeBytes) {
      const is = bytes === undefined ? 'more' : `${bytes.length}`;
      throw new SlipwayError('manifest-malformed', { what, reason: `it has ${is} bytes, not ${descriptor.sizeBytes}` });
    }
    verifyDigest(bytes, descriptor.digest, what);
    return bytes;
  });
}

/** Whether it is the tag that is missing or the repository, found out by asking for the repository's tags. */
async function unknownManifest(
  session: RegistrySession,
  wanted: string,
  codes: readonly string[],
  signal: AbortSignal,
): Promise<SlipwayError> {
  const { registry, repository } = session.reference;
  const reference = formatImageReference(session.reference);
  const tags = codes.includes('NAME_UNKNOWN') ? 'no-repository' : await suggestTags(session, wanted, signal);
  if (tags === 'no-repository') return new SlipwayError('repository-unknown', { reference, registry, repository });
  const fields = { reference, registry, repository, wanted: wanted.includes(':') ? 'such digest' : `tag "${wanted}"` };
  const hint = tags.length === 0 ? {} : { hint: `there are: ${tags.join(', ')}` };
  return new SlipwayError('manifest-unknown', fields, hint);
}

/** An index has chosen already; a single manifest has not been asked yet. */
function checkPlatform(options: ResolveOptions, offered: Platform): void {
  if (platformFit(offered, options.platform) !== undefined) return;
  const reference = formatImageReference(options.session.reference);
  const platform = formatPlatform(options.platform);
  if (offered.os !== options.platform.os) {
    throw new SlipwayError('platform-missing', { reference, platform, available: formatPlatform(offered) });
  }
  // Builders have long written their own machine's architecture into images for another, so this decides nothing.
  const text = `${reference} says that it is for ${formatPlatform(offered)}, not for ${platform}`;
  options.emit({ type: 'warning', code: 'platform-differs', text, count: 1 });
}
