// SPDX-License-Identifier: Apache-2.0
// Gets the installer that the configuration names by URL or path, as a file of the build. It is run with all the rights of
// whoever builds: what is fetched without TLS must have a digest, and one that is given is checked before the first run.
import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { describeError, SlipwayError } from '../model/index.ts';
import { readRegistryAccess } from '../site/index.ts';
import { readFileChunks, readFileStart } from '../sys/file-chunks.ts';
import { createHttpClient, type HttpClient, type HttpResponse } from '../sys/http.ts';
import { openPartFile } from '../sys/part-file.ts';
import { isLoopbackHost } from '../sys/proxies.ts';
import type { Construction } from './construct.ts';

/** `script`: runs as Miniforge's does. `archive`: a tar file with the program in it. `program`: conda's like itself. */
export type Installer = {
  readonly path: string;
  readonly kind: 'script' | 'archive' | 'program';
  /** As it is called where it comes from: programs are told apart by their names. */
  readonly name: string;
};

/** Distributions of conda have some 100 MB. */
const maxBytes = 2 ** 31;
const maxRedirects = 10;
const chunkBytes = 1 << 20;
const wait = { connectTimeoutMs: 30_000, answerTimeoutMs: 60_000, stallTimeoutMs: 60_000, connectionsPerOrigin: 1 };

/** @throws SlipwayError `wrap-installer-refused`, those of files; the signal's reason */
export async function fetchInstaller(construction: Construction): Promise<Installer> {
  const { settings, tools, buildDirectory } = construction;
  const { condaUrl } = settings;
  const path = join(buildDirectory, '_installer');
  tools.emit({ type: 'info', text: `Fetching ${condaUrl}` });
  const url = /^[a-z]+:\/\//i.test(condaUrl) ? parseUrl(condaUrl) : undefined;
  const local = url === undefined ? condaUrl : url.protocol === 'file:' ? decodeURIComponent(url.pathname) : undefined;
  const digest =
    local === undefined
      ? await download(construction, url ?? parseUrl(condaUrl), path)
      : await store(readFileChunks(local, { chunkBytes, signal: tools.signal }), condaUrl, path);
  if (settings.condaDigest !== '' && digest !== settings.condaDigest) {
    throw refused(condaUrl, `its SHA-256 is ${digest}, not ${settings.condaDigest}`);
  }
  const name = basename(url?.pathname ?? condaUrl);
  return { path, name, kind: name.endsWith('.sh') ? 'script' : (await isArchive(path)) ? 'archive' : 'program' };
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:', 'file:'].includes(url.protocol)) {
    throw refused(text, 'it is no path, and no URL of http, https or file');
  }
  return url;
}

async function download({ settings, tools }: Construction, from: URL, path: string): Promise<string> {
  const { variables, version, signal } = tools;
  const { proxy, tlsFor } = await readRegistryAccess({ environment: variables, home: variables['HOME'] ?? '/' });
  const client = createHttpClient({ userAgent: `slipway/${version}`, ...wait, proxy, tlsFor });
  try {
    const { body } = await follow(client, from, { hasDigest: settings.condaDigest !== '', signal });
    return await store(body, from.href, path);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SlipwayError) throw error;
    throw refused(from.href, describeError(error), error);
  } finally {
    await client.close();
  }
}

async function follow(
  client: HttpClient,
  from: URL,
  { hasDigest, signal }: { readonly hasDigest: boolean; readonly signal: AbortSignal },
): Promise<HttpResponse> {
  let url = from;
  for (let count = 0; count <= maxRedirects; count += 1) {
    if (url.protocol === 'http:' && !hasDigest && !isLoopbackHost(url.hostname)) {
      throw refused(url.href, 'without TLS whoever is on the way can exchange it: give its digest as conda_sha256');
    }
    const response = await client.request({ method: 'GET', url, headers: {} }, signal);
    const [location] = response.header('location');
    if (response.status === 200) return response;
    response.body.destroy();
    if (
      ![301, 302, 303, 307, 308].includes(response.status) ||
      location === undefined ||
      !URL.canParse(location, url.href)
    ) {
      throw refused(url.href, `the server answered ${response.status}`);
    }
    url = new URL(location, url);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused(from.href, `it leads to ${url.href}`);
  }
  throw refused(from.href, `it leads elsewhere more than ${maxRedirects} times`);
}

/** Keeps the bytes in a file of this user's alone, and gives their SHA-256. */
async function store(chunks: AsyncIterable<unknown>, from: string, path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await openPartFile(path);
  try {
    for await (const chunk of chunks) {
      if (!Buffer.isBuffer(chunk)) throw new TypeError('bytes were expected');
      if (file.sizeBytes() + chunk.length > maxBytes) throw refused(from, `it has more than ${maxBytes} bytes`);
      hash.update(chunk);
      await file.append([chunk]);
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

/** Whether tar(1) has something to take out of it: bzip2, gzip, zstd, xz or tar itself. */
async function isArchive(path: string): Promise<boolean> {
  const start = await readFileStart(path, 262);
  const isCompressed = ['425a68', '1f8b', '28b52ffd', 'fd377a585a00'].some((magic) =>
    start.subarray(0, magic.length / 2).equals(Buffer.from(magic, 'hex')),
  );
  return isCompressed || start.subarray(257, 262).toString('latin1') === 'ustar';
}

function refused(url: string, reason: string, cause?: unknown): SlipwayError {
  return new SlipwayError('wrap-installer-refused', { url, reason }, { cause });
}
