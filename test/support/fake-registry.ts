// SPDX-License-Identifier: Apache-2.0
// A small HTTP server that plays a registry, well or badly: answers are functions of the request, everything that was
// asked is recorded.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { onEnd } from './on-end.ts';

export type RecordedRequest = {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
};

export type FakeServer = {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  /** In the order of their arrival. */
  readonly requests: readonly RecordedRequest[];
};

/** Answers a request, or returns false for 404. */
export type Answer = (request: RecordedRequest, response: ServerResponse) => boolean | void | Promise<boolean | void>;

/** Starts a server on a loopback port; it ends with the calling suite or test. */
export async function startFakeServer(
  answer: Answer,
  tls?: { readonly key: string; readonly cert: string },
): Promise<FakeServer> {
  const requests: RecordedRequest[] = [];
  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
    const request = {
      method: message.method ?? '',
      url: message.url ?? '',
      headers: message.headers,
      body: Buffer.concat(chunks).toString(),
    };
    requests.push(request);
    if ((await answer(request, response)) !== false) return;
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end('{"errors":[{"code":"UNKNOWN","message":"not here"}]}');
  };
  const listener = (message: IncomingMessage, response: ServerResponse): void => {
    handle(message, response).catch((error: unknown) => response.destroy(error as Error));
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { address: `127.0.0.1:${address.port}`, requests };
}

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export type FakeDocument = { readonly mediaType: string; readonly bytes: Buffer };

/** A manifest of an image with these layers, its configuration, and the blobs by digest. */
export type FakeImage = {
  readonly manifest: FakeDocument;
  readonly blobs: ReadonlyMap<string, Buffer>;
};

export type FakeImageOptions = {
  readonly platform?: { readonly os?: string; readonly architecture?: string; readonly variant?: string };
  /** Merged into the manifest and the configuration, to spoil them. */
  readonly manifest?: object;
  readonly config?: object;
  /** Merged into each layer's descriptor. */
  readonly layer?: object;
};

export const manifestType = 'application/vnd.oci.image.manifest.v1+json';
export const indexType = 'application/vnd.oci.image.index.v1+json';

export function fakeImage(layers: readonly Buffer[], options: FakeImageOptions = {}): FakeImage {
  const config = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      ...options.platform,
      rootfs: { type: 'layers', diff_ids: layers.map(sha256) },
      ...options.config,
    }),
  );
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: sha256(config),
      size: config.length,
    },
    layers: layers.map((layer) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
      digest: sha256(layer),
      size: layer.length,
      ...options.layer,
    })),
    ...options.manifest,
  };
  return {
    manifest: { mediaType: manifestType, bytes: Buffer.from(JSON.stringify(manifest)) },
    blobs: new Map([config, ...layers].map((blob) => [sha256(blob), blob])),
  };
}

/** An index of documents; each member's `platform` is given beside it. */
export function fakeIndex(
  members: readonly { readonly document: FakeDocument; readonly platform?: object; readonly annotations?: object }[],
): FakeDocument {
  const manifests = members.map(({ document, ...rest }) => ({
    mediaType: document.mediaType,
    digest: sha256(document.bytes),
    size: document.bytes.length,
    ...rest,
  }));
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests }));
  return { mediaType: indexType, bytes };
}

/** Plays a good registry for repository `app`: `documents` by tag (each also by digest), blobs by digest. */
export function serveImage(content: {
  readonly documents: Readonly<Record<string, FakeDocument>>;
  readonly blobs: ReadonlyMap<string, Buffer>;
}): Answer {
  const documents = new Map(Object.entries(content.documents));
  for (const document of Object.values(content.documents)) documents.set(sha256(document.bytes), document);
  return (request, response) => {
    const [, kind = '', name = ''] = /^\/v2\/app\/(manifests|blobs)\/(.+)$/.exec(request.url) ?? [];
    const document = kind === 'manifests' ? documents.get(name) : undefined;
    if (document !== undefined) {
      response.writeHead(200, { 'content-type': document.mediaType });
      response.end(document.bytes);
      return true;
    }
    const blob = kind === 'blobs' ? content.blobs.get(name) : undefined;
    if (blob === undefined) return false;
    sendBlob(blob, request, response);
    return true;
  };
}

/** Answers with a blob, or the range of it that the request asks for. */
export function sendBlob(blob: Buffer, request: RecordedRequest, response: ServerResponse): void {
  const match = /^bytes=(\d+)-(\d+)?$/.exec(String(request.headers['range'] ?? ''));
  if (match === null) {
    response.writeHead(200, { 'content-length': blob.length });
    response.end(blob);
    return;
  }
  const first = Number(match[1]);
  const last = Math.min(blob.length - 1, Number(match[2] ?? blob.length - 1));
  if (first >= blob.length) {
    response.writeHead(416, { 'content-range': `bytes */${blob.length}` });
    response.end();
    return;
  }
  response.writeHead(206, {
    'content-range': `bytes ${first}-${last}/${blob.length}`,
    'content-length': last - first + 1,
  });
  response.end(blob.subarray(first, last + 1));
}
