// SPDX-License-Identifier: Apache-2.0
// What a repository holds beside images: signatures and whatever else refers to an image (distribution-spec v1.1,
// "Listing Referrers", with the tag that stands in where a registry does not know the question).
import { ociIndexType, ociManifestType, parseArtifact, parseReferrers } from '../../formats/oci/index.ts';
import { digestAlgorithm, digestHex, formatImageReference, parseDigest } from '../../model/index.ts';
import type { ArtifactReader } from '../types.ts';
import { discardBody, readBounded } from './answers.ts';
import { verifyDigest } from '../digest-of.ts';
import { type RegistrySession, unexpectedAnswer } from './session.ts';
import type { RegistryLimits } from './settings.ts';

/** What stands in a list where the type is told by the manifest alone; the second is cosign's way to keep a list by tag. */
const unsaidTypes: ReadonlySet<string> = new Set(['', 'application/vnd.oci.empty.v1+json']);

export function createArtifactReader(session: RegistrySession, limits: RegistryLimits): ArtifactReader {
  const { registry } = session.reference;
  const name = formatImageReference(session.reference);

  const read = async (
    path: string,
    options: {
      readonly task: string;
      readonly maxBytes: number;
      readonly accept?: string;
      readonly signal: AbortSignal;
    },
  ): Promise<Buffer | undefined> => {
    const { task, maxBytes, accept, signal } = options;
    const headers = accept === undefined ? {} : { accept };
    return await session.get({ path, task, headers }, signal, async (response) => {
      if (response.status === 404) {
        await discardBody(response);
        return undefined;
      }
      if (response.status !== 200) throw await unexpectedAnswer(response, task, registry);
      return await readBounded(response.body, maxBytes);
    });
  };
  const readManifest = async (wanted: string, accept: string, signal: AbortSignal): Promise<Buffer | undefined> => {
    const task = `read ${wanted} of ${registry}/${session.reference.repository}`;
    const bytes = await read(`manifests/${wanted}`, { task, maxBytes: limits.manifestBytes, accept, signal });
    const digest = parseDigest(wanted);
    if (bytes !== undefined && digest !== undefined) verifyDigest(bytes, digest, `manifest ${digest}`);
    return bytes;
  };

  return {
    readArtifact: async (wanted, signal) => {
      const bytes = await readManifest(wanted, ociManifestType, signal);
      return bytes === undefined ? undefined : parseArtifact(bytes, `manifest ${wanted} beside ${name}`);
    },
    readBlob: async (digest, maxBytes, signal) => {
      const bytes = await read(`blobs/${digest}`, { task: `read ${digest} of ${name}`, maxBytes, signal });
      if (bytes !== undefined) verifyDigest(bytes, digest, `blob ${digest}`);
      return bytes;
    },
    listReferrers: async (subject, artifactType, signal) => {
      const what = `the referrers of ${subject}`;
      const query = `?artifactType=${encodeURIComponent(artifactType)}`;
      const options = { task: `list ${what}`, maxBytes: limits.manifestBytes, accept: ociIndexType, signal };
      const bytes =
        (await read(`referrers/${subject}${query}`, options)) ??
        (await readManifest(`${digestAlgorithm(subject)}-${digestHex(subject)}`, ociIndexType, signal));
      const found = bytes === undefined ? [] : parseReferrers(bytes, what);
      // A registry need not filter, and one that lists by tag can't.
      return found.filter((each) => each.artifactType === artifactType || unsaidTypes.has(each.artifactType));
    },
    readUrl: async (url, maxBytes, signal) => {
      const task = `read signatures from ${url.host}`;
      return await session.getForeign(url, { task }, signal, async (response) => {
        if (response.status === 404) {
          await discardBody(response);
          return undefined;
        }
        if (response.status !== 200) throw await unexpectedAnswer(response, task, url.host);
        return await readBounded(response.body, maxBytes);
      });
    },
  };
}

/** Asks readers in turn: the first that has it answers. A failure counts only where none has it. */
export function firstOf(readers: readonly ArtifactReader[]): ArtifactReader {
  const first = async <T>(ask: (reader: ArtifactReader) => Promise<T | undefined>): Promise<T | undefined> => {
    let failure: unknown;
    for (const reader of readers) {
      try {
        const found = await ask(reader);
        if (found !== undefined) return found;
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    return undefined;
  };
  return {
    readArtifact: async (name, signal) => await first((reader) => reader.readArtifact(name, signal)),
    readBlob: async (digest, maxBytes, signal) => await first((reader) => reader.readBlob(digest, maxBytes, signal)),
    listReferrers: async (subject, type, signal) =>
      (await first(async (reader) => {
        const found = await reader.listReferrers(subject, type, signal);
        return found.length === 0 ? undefined : found;
      })) ?? [],
    readUrl: async (url, maxBytes, signal) => await first((reader) => reader.readUrl(url, maxBytes, signal)),
  };
}
