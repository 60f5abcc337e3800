// SPDX-License-Identifier: Apache-2.0
// The process that makes one image: it resolves the tag, and if the gateway says so downloads, converts and examines. A process of its
// own, because an image is somebody else's bytes: what goes wrong with them, or takes the processor for minutes, is
// not to be felt by the service.
import {
  createRegistrySource,
  defaultConvertOptions,
  type ImageSource,
  noCredentials,
  openStore,
  pullImage,
  type RegistrySourceOptions,
  type ResolvedImage,
} from '../../image/index.ts';
import { describeError, digestHex, hasCode, type PullEvent, SlipwayError } from '../../model/index.ts';
import { readRegistryAccess } from '../../site/index.ts';
import { yieldToOtherSessions } from '../../sys/background.ts';
import { systemClock } from '../../sys/clock.ts';
import type { TlsMaterial } from '../../sys/tls-material.ts';
import type { ImageFacts } from '../records/types.ts';
import { makeFromTree } from './expanded.ts';
import { type FromWorker, readLines, type ToWorker, type WorkerTask } from './worker-protocol.ts';

type Say = (message: FromWorker) => void;

/**
 * Works on the task that comes over `input`, and gives the exit status. Never rejects: a failure is the last line
 * said.
 */
export async function runWorker(input: AsyncIterable<Buffer>, write: (text: string) => void): Promise<number> {
  const say: Say = (message) => write(`${JSON.stringify(message)}\n`);
  const gone = new AbortController();
  const lines = readLines(input);
  const next = async (): Promise<ToWorker> => {
    const line = await lines.next();
    if (line.done === true) throw new Error('the gateway has gone');
    return JSON.parse(line.value) as ToWorker;
  };
  try {
    const first = await next();
    if (first.type !== 'task') throw new Error('the task is missing');
    await yieldToOtherSessions(gone.signal);
    const { source, resolved, isPrivate } = await resolve(first.task, say, gone.signal);
    try {
      say({ type: 'resolved', facts: factsOf(resolved), isPrivate, digest: resolved.digest });
      await next();
      // From now on the input has nothing to say but that it ends.
      void next().catch(() => gone.abort(new Error('the gateway has gone')));
      await make(first.task, { source, resolved }, say, gone.signal);
    } finally {
      await source.close();
    }
    return 0;
  } catch (error) {
    say({ type: 'failed', message: failureText(error), isDefect: !(error instanceof SlipwayError) });
    return 1;
  }
}

function failureText(error: unknown): string {
  const text = describeError(error);
  return error instanceof SlipwayError && error.hint !== undefined ? `${text}; ${error.hint}` : text;
}

type Resolved = { readonly source: ImageSource; readonly resolved: ResolvedImage };

/** First without credentials: what needs none is public, whatever the caller has brought along. */
async function resolve(
  task: WorkerTask,
  say: Say,
  signal: AbortSignal,
): Promise<Resolved & { readonly isPrivate: boolean }> {
  const { credentials } = task;
  const emit = (event: PullEvent): void => say({ type: 'event', event });
  // Mirrors, blocked registries, certificates and which images are accepted: the machine's settings count here as for
  // everybody on it.
  const access = await readRegistryAccess({ environment: process.env, home: process.env['HOME'] ?? '/' });
  const options: RegistrySourceOptions = {
    reference: task.reference,
    platform: task.platform,
    credentials: noCredentials,
    plainHttp: task.isPlainHttp,
    emit,
    userAgent: task.userAgent,
    proxy: task.proxy,
    clock: systemClock,
    rules: access.rules,
    trust: access.trust,
    tlsFor: (host) => withAuthority(access.tlsFor(host), task.certificateAuthority),
  };
  say({ type: 'status', status: 'PULLING', message: 'Inspecting Image' });
  const anonymous = createRegistrySource(options);
  try {
    return { source: anonymous, resolved: await anonymous.resolve(signal), isPrivate: false };
  } catch (error) {
    await anonymous.close();
    // Some registries deny to strangers that a private repository exists.
    const isClosed = hasCode(error, 'registry-denied', 'repository-unknown', 'manifest-unknown');
    if (credentials === undefined || !isClosed) throw error;
  }
  say({ type: 'status', status: 'PULLING', message: 'Inspecting Image with auth' });
  const source = createRegistrySource({
    ...options,
    credentials: () => Promise.resolve({ kind: 'password', ...credentials }),
  });
  try {
    return { source, resolved: await source.resolve(signal), isPrivate: true };
  } catch (error) {
    await source.close();
    throw error;
  }
}

function withAuthority(material: TlsMaterial, authority: string | undefined): TlsMaterial {
  return authority === undefined
    ? material
    : { ...material, authorities: [...(material.authorities ?? []), authority] };
}

function factsOf({ digest, indexDigest, config }: ResolvedImage): ImageFacts {
  return {
    // What the tag points to, as `skopeo inspect` prints it: scripts compare.
    id: digestHex(indexDigest ?? digest),
    env: config.env,
    entry: config.entrypoint,
    cmd: config.cmd,
    workdir: config.workdir ?? null,
    labels: config.labels,
  };
}

async function make(task: WorkerTask, { source, resolved }: Resolved, say: Say, signal: AbortSignal): Promise<void> {
  const store = await openStore(task.store);
  let hasConverted = false;
  const needsTree = task.examiner !== undefined || task.converter.kind === 'mksquashfs';
  const emit = (event: PullEvent): void => {
    say({ type: 'event', event });
    // With an examiner or mksquashfs what is made now is only what those are given.
    if (event.type === 'converting' && !needsTree && !hasConverted) {
      hasConverted = true;
      say({ type: 'status', status: 'CONVERSION', message: 'Converting image' });
    }
  };
  say({ type: 'status', status: 'PULLING', message: 'Pulling layers' });
  const { digest, sizeBytes } = await pullImage({
    reference: task.reference,
    source: { ...source, resolve: () => Promise.resolve(resolved) },
    store,
    convertOptions: {
      ...defaultConvertOptions,
      owner: { uid: 0, gid: 0 },
      permissions: 'readable',
      ...(task.compressionLevel === undefined
        ? {}
        : { compressor: { compression: 'zstd', level: task.compressionLevel } }),
      ...(task.threads === undefined ? {} : { threads: task.threads }),
    },
    emit,
    signal,
    clock: systemClock,
  });
  const path = store.imagePath(digest);
  if (!needsTree) {
    say({ type: 'made', path, sizeBytes, isTemporary: false });
    return;
  }
  const made = await makeFromTree(task, { squashfsPath: path, id: factsOf(resolved).id, digest }, say, signal);
  say(made);
}
