// SPDX-License-Identifier: Apache-2.0
// One blob into a registry (distribution-spec v1.1, "Pushing blobs"): asked for first, mounted from another repository of the
// registry where that is known to have it, else uploaded as one stream, which goes on where it broke off.
import { Readable } from 'node:stream';
import { type Digest, type Emit, type PullEvent, SlipwayError } from '../../model/index.ts';
import type { Clock } from '../../sys/clock.ts';
import { discardBody } from '../registry/answers.ts';
import { TransientFailure } from '../registry/retry.ts';
import { type RegistrySession, unexpectedAnswer } from '../registry/session.ts';
import { defaultLimits } from '../registry/settings.ts';
import { mostTransferFailures, pauseMs } from '../transfer-breaks.ts';

export type BlobUpload = {
  readonly session: RegistrySession;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** The blob's bytes from an offset on; the registry checks what they are. */
  readonly open: (offsetBytes: number) => AsyncIterable<Buffer>;
  /** A repository of the same registry that has the blob, perhaps. */
  readonly mountFrom?: string;
  /** Bytes to send in one request; all of them unless given. */
  readonly chunkBytes?: number;
  readonly emit: Emit<PullEvent>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

const reportBytes = 1024 * 1024;

/**
 * Sees to it that the registry has a blob.
 * @throws SlipwayError `registry-*`; what `open` throws
 */
export async function uploadBlob(upload: BlobUpload): Promise<'present' | 'mounted' | 'uploaded'> {
  const { digest, sizeBytes, emit } = upload;
  if (await isPresent(upload)) {
    emit({ type: 'blob-done', digest, sizeBytes, wasCached: true });
    return 'present';
  }
  const begun = await begin(upload, upload.mountFrom);
  if (begun === 'mounted') {
    emit({ type: 'blob-done', digest, sizeBytes, wasCached: true });
    return 'mounted';
  }
  await transfer(upload, begun.location);
  emit({ type: 'blob-done', digest, sizeBytes, wasCached: false });
  return 'uploaded';
}

async function isPresent({ session, digest, signal }: BlobUpload): Promise<boolean> {
  const { registry } = session.reference;
  const task = `look for ${digest} in ${registry}`;
  return await session.send({ method: 'HEAD', to: { path: `blobs/${digest}` }, task }, signal, async (response) => {
    await discardBody(response);
    if (response.status === 200) return true;
    if (response.status === 404) return false;
    throw await unexpectedAnswer(response, task, registry);
  });
}

/** Where to send the blob, unless the registry could take it from another of its repositories. */
async function begin(
  { session, digest, signal }: BlobUpload,
  mountFrom: string | undefined,
): Promise<{ readonly location: string } | 'mounted'> {
  const { registry } = session.reference;
  const task = `upload ${digest} to ${registry}`;
  const query = mountFrom === undefined ? '' : `?${new URLSearchParams({ mount: digest, from: mountFrom }).toString()}`;
  const order = {
    method: 'POST',
    to: { path: `blobs/uploads/${query}` },
    task,
    headers: { 'content-length': '0' },
  } as const;
  return await session.send(order, signal, async (response) => {
    if (response.status === 201) {
      await discardBody(response);
      return 'mounted';
    }
    if (response.status !== 202) throw await unexpectedAnswer(response, task, registry);
    await discardBody(response);
    return { location: locationOf(response, task, registry) };
  });
}

type Answer = { readonly header: (name: string) => readonly string[] };

function locationOf(response: Answer, task: string, registry: string): string {
  const [location] = response.header('location');
  if (location !== undefined) return location;
  throw new SlipwayError('registry-error', { task, registry, reason: 'does not say where to upload to' });
}

/** Sends the bytes, and then says that they are all. */
async function transfer(upload: BlobUpload, first: string): Promise<void> {
  const { digest, sizeBytes, emit, clock, signal, session } = upload;
  let location = first;
  let doneBytes = 0;
  let failures = 0;
  for (;;) {
    const before = doneBytes;
    try {
      while (doneBytes < sizeBytes) ({ location, doneBytes } = await sendChunk(upload, location, doneBytes));
      await complete(upload, location);
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TransientFailure)) throw error;
      failures = doneBytes > before ? 1 : failures + 1;
      const askedMs = error.retryAfterMs ?? 0;
      if (failures >= mostTransferFailures || askedMs > defaultLimits.maxRetryAfterMs) throw error.failure;
      const delayMs = askedMs + pauseMs(failures);
      emit({ type: 'retrying', what: `upload ${digest}`, reason: error.failure.message, delayMs });
      await clock.sleep(delayMs, signal);
    }
    const state = await resume(upload, location);
    if (state === 'complete') return;
    if (state === undefined) {
      const begun = await begin(upload, undefined);
      if (begun === 'mounted') throw new Error(`${session.reference.registry} mounts what nobody asked it to mount`);
      ({ location } = begun);
      doneBytes = 0;
    } else {
      ({ location, doneBytes } = state);
    }
  }
}

async function sendChunk(
  upload: BlobUpload,
  location: string,
  startBytes: number,
): Promise<{ readonly location: string; readonly doneBytes: number }> {
  const { session, digest, sizeBytes, signal } = upload;
  const { registry } = session.reference;
  const task = `upload ${digest} to ${registry}`;
  const lengthBytes = Math.min(upload.chunkBytes ?? sizeBytes, sizeBytes - startBytes);
  const isPart = startBytes > 0 || lengthBytes < sizeBytes;
  return await session.send(
    {
      method: 'PATCH',
      to: { location },
      task,
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': String(lengthBytes),
        // Some registries take no range where the whole blob comes at once.
        ...(isPart ? { 'content-range': `${startBytes}-${startBytes + lengthBytes - 1}` } : {}),
      },
      body: () => measure(upload, { startBytes, lengthBytes }),
      isSentOnce: true,
    },
    signal,
    async (response) => {
      if (response.status !== 202 && response.status !== 201 && response.status !== 204) {
        throw await unexpectedAnswer(response, task, registry);
      }
      await discardBody(response);
      return { location: locationOf(response, task, registry), doneBytes: startBytes + lengthBytes };
    },
  );
}

/** As many bytes as announced, with progress; opened when it is read. */
function measure(
  { digest, sizeBytes, open, emit }: BlobUpload,
  range: { readonly startBytes: number; readonly lengthBytes: number },
): Readable {
  let sentBytes = 0;
  let reportedBytes = 0;
  async function* chunks(): AsyncGenerator<Buffer> {
    for await (const chunk of open(range.startBytes)) {
      const wanted = chunk.subarray(0, range.lengthBytes - sentBytes);
      sentBytes += wanted.length;
      if (wanted.length > 0) yield wanted;
      if (sentBytes - reportedBytes >= reportBytes) {
        reportedBytes = sentBytes;
        emit({ type: 'blob-progress', digest, doneBytes: range.startBytes + sentBytes, totalBytes: sizeBytes });
      }
      if (sentBytes >= range.lengthBytes) return;
    }
  }
  return Readable.from(chunks());
}

/** What the registry has of an upload that broke off; undefined where it has forgotten it. */
async function resume(
  { session, digest, sizeBytes, signal }: BlobUpload,
  location: string,
): Promise<{ readonly location: string; readonly doneBytes: number } | 'complete' | undefined> {
  const { registry } = session.reference;
  const task = `go on uploading ${digest} to ${registry}`;
  return await session.send({ method: 'GET', to: { location }, task }, signal, async (response) => {
    await discardBody(response);
    if (response.status === 201) return 'complete';
    if (response.status !== 204 && response.status !== 202 && response.status !== 200) return undefined;
    const match = /^(?:bytes=)?0-(\d{1,16})$/.exec(response.header('range')[0]?.trim() ?? '');
    const last = match === null ? -1 : Number(match[1]);
    // "0-0" is what registries say of nothing as well as of one byte.
    const doneBytes = last <= 0 ? 0 : last + 1;
    if (doneBytes > sizeBytes) return undefined;
    return { location: response.header('location')[0] ?? location, doneBytes };
  });
}

/** The registry compares the digest. */
async function complete({ session, digest, signal }: BlobUpload, location: string): Promise<void> {
  const { registry } = session.reference;
  const task = `upload ${digest} to ${registry}`;
  const separator = location.includes('?') ? '&' : '?';
  const to = { location: `${location}${separator}${new URLSearchParams({ digest }).toString()}` };
  const order = { method: 'PUT', to, task, headers: { 'content-length': '0' }, isSentOnce: true } as const;
  await session.send(order, signal, async (response) => {
    if (response.status !== 201 && response.status !== 204) throw await unexpectedAnswer(response, task, registry);
    await discardBody(response);
  });
}
