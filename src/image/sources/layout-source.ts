// SPDX-License-Identifier: Apache-2.0
// Images in OCI layouts, in archives and in skopeo's `dir:` directories, as sources like a registry.
import { Readable } from 'node:stream';
import {
  type Descriptor,
  dockerConfigType,
  dockerManifestType,
  type LayoutEntry,
  parseLayoutIndex,
  parseSavedImages,
  type SavedImage,
  shown,
} from '../../formats/oci/index.ts';
import {
  type Digest,
  digestAlgorithm,
  digestHex,
  type Emit,
  parseDigest,
  type Platform,
  type PullEvent,
  SlipwayError,
} from '../../model/index.ts';
import { readFileChunks } from '../../sys/file-chunks.ts';
import { digestOf } from '../digest-of.ts';
import { compressionOf } from '../read-decompressed.ts';
import { defaultLimits } from '../registry/settings.ts';
import type { LayerDescriptor, LayerFile, LocalSource, ResolvedImage } from '../types.ts';
import { hashMember, type Member, type Members, readMember } from './members.ts';
import { type LayoutReader, resolveLayout } from './resolve-layout.ts';

export type LayoutSourceOptions = {
  /** Closed with the source. */
  readonly members: Members;
  /** Which of several images; the only one, or `latest`, where it is left out. */
  readonly name?: string;
  readonly platform: Platform;
  readonly emit: Emit<PullEvent>;
  readonly signal: AbortSignal;
};

const chunkBytes = 1024 * 1024;
const maxNamesShown = 20;

/** An OCI layout: a directory with `index.json`, or an archive of one. @throws SlipwayError `layout-*`, `manifest-*` */
export async function openOciLayout(options: LayoutSourceOptions): Promise<LocalSource> {
  const { members } = options;
  const index = await members.find('index.json');
  if (index === undefined) throw new SlipwayError('layout-blob-missing', { path: members.path, what: 'index.json' });
  const bytes = await readMember(index, 'index.json', defaultLimits.manifestBytes);
  const entries = parseLayoutIndex(bytes, `index.json of ${members.path}`);
  const find = async (digest: Digest): Promise<Member | undefined> =>
    await members.find(`blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`);
  const top = chooseEntry(entries, options);
  return layoutSource(options, { path: members.path, findManifest: find, findBlob: find }, top);
}

/** skopeo's `dir:`: `manifest.json`, and each blob under its hexadecimal digits. */
export async function openDirTransport(options: LayoutSourceOptions): Promise<LocalSource> {
  const { members } = options;
  const manifest = await members.find('manifest.json');
  if (manifest === undefined) {
    throw new SlipwayError('layout-blob-missing', { path: members.path, what: 'manifest.json' });
  }
  const bytes = await readMember(manifest, 'manifest.json', defaultLimits.manifestBytes);
  const digest = digestOf(bytes);
  const top: Descriptor = { mediaType: '', digest, sizeBytes: bytes.length };
  const reader: LayoutReader = {
    path: members.path,
    findManifest: async (wanted) =>
      wanted === digest ? manifest : await members.find(`${digestHex(wanted)}.manifest.json`),
    findBlob: async (wanted) => await members.find(digestHex(wanted)),
  };
  return layoutSource(options, reader, top);
}

/**
 * What `docker save` and `podman save` write, in both of docker's forms: `manifest.json` says which members are the
 * configuration and the layers. There is no manifest to identify the image by: one is made of the members' digests.
 */
export async function openDockerArchive(options: LayoutSourceOptions): Promise<LocalSource> {
  const { members } = options;
  const list = await members.find('manifest.json');
  if (list === undefined) {
    const reason = 'it has no manifest.json: it is no archive of docker save, or from before Docker 1.10';
    throw new SlipwayError('layout-malformed', { path: members.path, reason });
  }
  const bytes = await readMember(list, 'manifest.json', defaultLimits.manifestBytes);
  const image = chooseSaved(parseSavedImages(bytes, `manifest.json of ${members.path}`), options);
  const blobs = new Map<Digest, Member>();
  const describe = async (name: string): Promise<{ readonly member: Member; readonly digest: Digest }> => {
    const member = await members.find(name);
    if (member === undefined) {
      throw new SlipwayError('layout-blob-missing', { path: members.path, what: shown(name, 200) });
    }
    const digest = parseDigest(await hashMember(member, 'sha256', options.signal));
    if (digest === undefined) throw new Error('unreachable: a hash is a digest');
    blobs.set(digest, member);
    return { member, digest };
  };
  const config = await describe(image.config);
  const layers: object[] = [];
  for (const name of image.layers) {
    const { member, digest } = await describe(name);
    layers.push({ mediaType: await layerTypeOf(member), size: member.sizeBytes, digest });
  }
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: dockerManifestType,
      config: { mediaType: dockerConfigType, size: config.member.sizeBytes, digest: config.digest },
      layers,
    }),
  );
  const top: Descriptor = { mediaType: dockerManifestType, digest: digestOf(manifest), sizeBytes: manifest.length };
  const reader: LayoutReader = {
    path: members.path,
    findManifest: () => Promise.resolve(undefined),
    findBlob: (digest) => Promise.resolve(blobs.get(digest)),
  };
  return layoutSource(options, reader, top, manifest);
}

async function layerTypeOf(member: Member): Promise<string> {
  const range = { startBytes: member.startBytes, lengthBytes: member.sizeBytes };
  const compression = await compressionOf({ path: member.path, range });
  const plain = 'application/vnd.docker.image.rootfs.diff.tar';
  return compression === 'gzip' || compression === 'zstd' ? `${plain}.${compression}` : plain;
}

function layoutSource(
  options: LayoutSourceOptions,
  reader: LayoutReader,
  top: Descriptor,
  madeManifest?: Buffer,
): LocalSource {
  const { members, platform, emit } = options;
  const findLayer = async (layer: LayerDescriptor): Promise<Member> => {
    const member = await reader.findBlob(layer.digest);
    if (member === undefined) {
      throw new SlipwayError('layout-blob-missing', { path: reader.path, what: `layer ${layer.digest}` });
    }
    if (member.sizeBytes === layer.sizeBytes) return member;
    const reason = `layer ${layer.digest} has ${member.sizeBytes} bytes, not ${layer.sizeBytes}`;
    throw new SlipwayError('layout-malformed', { path: reader.path, reason });
  };
  return {
    resolve: async (): Promise<ResolvedImage> =>
      await resolveLayout({ reader, top, platform, emit, ...(madeManifest === undefined ? {} : { madeManifest }) }),
    openBlob: async (layer, offsetBytes, signal) => {
      const member = await findLayer(layer);
      const startBytes = member.startBytes + offsetBytes;
      const range = { startBytes, lengthBytes: Math.max(0, member.sizeBytes - offsetBytes) };
      return { body: Readable.from(readFileChunks(member.path, { chunkBytes, signal, range })), offsetBytes };
    },
    localLayer: async (layer, signal): Promise<LayerFile> => {
      const member = await findLayer(layer);
      const actual = await hashMember(member, digestAlgorithm(layer.digest), signal);
      if (actual !== layer.digest) {
        const fields = { what: `layer of ${reader.path}`, actual, expected: layer.digest };
        throw new SlipwayError('digest-mismatch', fields, { hint: 'the image is damaged; make or copy it again' });
      }
      return { ...layer, path: member.path, startBytes: member.startBytes };
    },
    close: members.close,
  };
}

/** Of an OCI layout: the image with this name or digest; without a name the only one, else `latest`. */
function chooseEntry(entries: readonly LayoutEntry[], { name, members, platform }: LayoutSourceOptions): Descriptor {
  const matches = (wanted: string): LayoutEntry[] =>
    entries.filter(({ names, digest }) => digest === wanted || names.some((each) => isNamed(each, wanted)));
  const found = name === undefined ? (entries.length === 1 ? entries : matches('latest')) : matches(name);
  const [first] = found;
  if (first !== undefined) {
    // One name may stand for an image on several platforms, each listed by itself.
    const fitting = found.find((entry) => entry.platform?.architecture === platform.architecture);
    return fitting ?? first;
  }
  if (name === undefined && entries.every(({ platform: each }) => each !== undefined)) {
    // One image, listed for each of its platforms: not several, of which one would have to be chosen.
    const [fitting, ...others] = entries.filter((entry) => entry.platform?.architecture === platform.architecture);
    if (fitting !== undefined && others.length === 0) return fitting;
  }
  throw missing(
    members.path,
    name,
    entries.flatMap(({ names, digest }) => (names.length > 0 ? names : [digest])),
  );
}

/** Of an archive of `docker save`: by its name, with or without docker.io and tag; `@N` is the Nth, from 0. */
function chooseSaved(images: readonly SavedImage[], { name, members }: LayoutSourceOptions): SavedImage {
  const at = name === undefined ? null : /^@([0-9]{1,6})$/.exec(name);
  const found =
    name === undefined
      ? images.length === 1
        ? images[0]
        : images.find(({ names }) => names.some((each) => each.endsWith(':latest')))
      : at === null
        ? images.find(({ names }) => names.some((each) => isNamed(each, name)))
        : images[Number(at[1])];
  if (found !== undefined) return found;
  throw missing(
    members.path,
    name,
    images.flatMap(({ names }, index) => (names.length > 0 ? names : [`@${index}`])),
  );
}

/** Whether a name in an image is what was asked for: exactly, or up to docker.io, library/ and the tag latest. */
function isNamed(name: string, wanted: string): boolean {
  const full = (text: string): string => {
    const short = text.replace(/^docker\.io\//, '').replace(/^library\//, '');
    return /:[^/]*$/.test(short) ? short : `${short}:latest`;
  };
  if (name === wanted || full(name) === full(wanted)) return true;
  // A layout's names may be full ones, of which a tag is the end.
  return !wanted.includes('/') && !wanted.includes(':') && name.endsWith(`:${wanted}`);
}

function missing(path: string, name: string | undefined, available: readonly string[]): SlipwayError {
  const reason =
    available.length === 0
      ? 'it holds none'
      : name === undefined
        ? `it holds ${available.length}, and none is named`
        : `none is named "${shown(name)}"`;
  const some = available.slice(0, maxNamesShown).map((each) => shown(each));
  const rest = available.length > maxNamesShown ? `, and ${available.length - maxNamesShown} more` : '';
  return new SlipwayError('layout-image-missing', {
    path,
    reason,
    available: available.length === 0 ? 'none' : `${some.join(', ')}${rest}`,
  });
}
