// SPDX-License-Identifier: Apache-2.0
// Images that another program keeps. They are asked for as one archive, which goes to a temporary file, as its parts are
// read in any order: docker's daemon by its API, the containers tools' storage by whichever of their programs is there.
import { describeError, type EngineTransport, SlipwayError } from '../../model/index.ts';
import { createBlockFile } from '../../sys/block-file.ts';
import { errnoOf } from '../../sys/file-errors.ts';
import { removeIfPresent } from '../../sys/files.ts';
import { findProgram, withChild } from '../../sys/process.ts';
import { getOverSocket } from '../../sys/socket-http.ts';
import { readBounded } from '../registry/answers.ts';

export type EngineReference = { readonly transport: EngineTransport; readonly name: string };

export type EngineOptions = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly searchPath: string;
  readonly signal: AbortSignal;
};

const defaultSocket = '/var/run/docker.sock';
const maxComplaintBytes = 64 * 1024;

/**
 * Writes an engine's image as an archive to a file that must not exist; nothing is left of it after a failure.
 * @throws SlipwayError `engine-unavailable`
 */
export async function saveEngineImage(
  { transport, name }: EngineReference,
  path: string,
  options: EngineOptions,
): Promise<void> {
  try {
    await (transport === 'docker-daemon' ? saveFromDaemon(name, path, options) : saveFromStorage(name, path, options));
  } catch (error) {
    await removeIfPresent(path);
    throw error;
  }
}

/** Docker Engine API, "Export an image": GET /images/{name}/get. */
async function saveFromDaemon(name: string, filePath: string, { environment, signal }: EngineOptions): Promise<void> {
  const unavailable = (reason: string, cause?: unknown): SlipwayError =>
    new SlipwayError('engine-unavailable', { name, engine: 'docker', reason }, cause === undefined ? {} : { cause });
  const host = environment['DOCKER_HOST'] ?? '';
  if (host !== '' && !host.startsWith('unix://')) throw unavailable(`DOCKER_HOST is ${host}, which is no Unix socket`);
  const socket = host === '' ? defaultSocket : host.slice('unix://'.length);
  const path = `/images/${encodeURIComponent(name).replaceAll(/%(?:2F|3A|40)/g, decodeURIComponent)}/get`;
  const file = await createBlockFile(filePath);
  let offset = 0;
  try {
    await getOverSocket(socket, path, signal, async ({ status, body }) => {
      if (status !== 200) {
        const complaint = await readBounded(body, maxComplaintBytes);
        throw unavailable(`it answered ${status}: ${complaintText(complaint)}`);
      }
      for await (const chunk of body as AsyncIterable<Buffer>) {
        await file.write([chunk], offset);
        offset += chunk.length;
      }
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SlipwayError) throw error;
    const errno = errnoOf(error);
    if (errno === 'ENOENT') throw unavailable(`there is no socket ${socket}: no docker daemon runs here`, error);
    if (errno === 'EACCES') throw unavailable(`the socket ${socket} is closed to you (EACCES)`, error);
    throw unavailable(`${socket}: ${describeError(error)}`, error);
  } finally {
    await file.close();
  }
}

function complaintText(bytes: Buffer | undefined): string {
  const text = bytes?.toString('utf8') ?? '';
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    if (typeof message === 'string') return message.slice(0, 300);
  } catch {
    // Not the daemon's own words, then; as they are they will do.
  }
  return text.slice(0, 300);
}

type StorageProgram = {
  readonly program: string;
  readonly argv: (name: string, path: string) => readonly string[];
};

/** In this order. */
const storagePrograms: readonly StorageProgram[] = [
  { program: 'podman', argv: (name, path) => ['save', '--quiet', '--format', 'oci-archive', '--output', path, name] },
  { program: 'skopeo', argv: (name, path) => ['copy', '--quiet', `containers-storage:${name}`, `oci-archive:${path}`] },
  { program: 'buildah', argv: (name, path) => ['push', '--quiet', name, `oci-archive:${path}`] },
];
/** What leads those programs to a user's storage, and no more. */
const passedOn = [
  'HOME',
  'USER',
  'LOGNAME',
  'XDG_RUNTIME_DIR',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'TMPDIR',
  'CONTAINERS_CONF',
  'CONTAINERS_STORAGE_CONF',
  'STORAGE_DRIVER',
  'STORAGE_OPTS',
];

async function saveFromStorage(name: string, path: string, options: EngineOptions): Promise<void> {
  const { environment, searchPath, signal } = options;
  const unavailable = (reason: string): SlipwayError =>
    new SlipwayError('engine-unavailable', { name, engine: "the containers tools' storage", reason });
  // A word that begins with a dash would be taken for an option.
  if (name.startsWith('-')) throw unavailable('no image has a name that begins with a dash');
  const env = Object.fromEntries(
    passedOn.flatMap((variable) => {
      const value = environment[variable];
      return value === undefined ? [] : [[variable, value]];
    }),
  );
  for (const { program, argv } of storagePrograms) {
    const found = await findProgram(program, searchPath);
    if (found === undefined) continue;
    const { end } = await withChild(
      { argv: [found, ...argv(name, path)], env, signal },
      async ({ ended }) => await ended,
    );
    if (end.status === 0) return;
    throw unavailable(`${program} ended with status ${end.status}: ${end.stderrTail.split('\n').at(-1) ?? ''}`);
  }
  throw unavailable(`none of ${storagePrograms.map(({ program }) => program).join(', ')} is in ${searchPath}`);
}
