// SPDX-License-Identifier: Apache-2.0
// A blob's bytes from an offset on (distribution-spec, "Pulling blobs"; RFC 9110, section 14 on ranges). Servers may
// ignore a range, so what came is told apart from what was asked for.
import type { Readable } from 'node:stream';
import { type Digest, SlipwayError } from '../../model/index.ts';
import type { HttpResponse } from '../../sys/http.ts';
import { isLoopbackHost } from '../../sys/proxies.ts';
import type { LayerDescriptor } from '../types.ts';
import { discardBody } from './answers.ts';
import { type Consume, type RegistrySession, unexpectedAnswer } from './session.ts';

export type OpenBlob = { readonly body: Readable; readonly offsetBytes: number };

type Answer = OpenBlob | 'missing' | 'range-refused';

/**
 * Layers that the registry may not distribute ("foreign", "non-distributable"): an image names the addresses that have
 * them, and whoever made the image thus decides where this machine sends requests. `fetch` follows only https, and http
 * on loopback; at most `maxForeignUrls` are tried, without any credentials.
 */
export type ForeignLayers = 'refuse' | 'fetch';

const maxForeignUrls = 4;

/**
 * @param options.foreign addresses to ask when the registry does not have the blob, and whether to
 * @throws SlipwayError `blob-unknown`, `foreign-layer-refused`, `registry-*`
 */
export async function openBlob(
  session: RegistrySession,
  layer: LayerDescriptor,
  offsetBytes: number,
  options: {
    readonly foreign: { readonly urls: readonly string[]; readonly policy: ForeignLayers };
    readonly signal: AbortSignal;
  },
): Promise<OpenBlob> {
  const { signal, foreign } = options;
  const { registry } = session.reference;
  const inRegistry = { task: `download ${layer.digest} from ${registry}`, server: registry };
  const answer = await openAt(layer, offsetBytes, inRegistry, async (headers, consume) =>
    session.get({ path: `blobs/${layer.digest}`, task: inRegistry.task, headers }, signal, consume),
  );
  if (answer !== 'missing') return answer;

  const urls = foreign.urls.map((address) => URL.parse(address)).filter(isUsable);
  const [first] = urls;
  if (first !== undefined && foreign.policy === 'refuse') {
    throw new SlipwayError('foreign-layer-refused', { digest: layer.digest, registry, host: first.host });
  }
  for (const url of urls.slice(0, maxForeignUrls)) {
    const elsewhere = { task: `download ${layer.digest} from ${url.host}`, server: url.host };
    const found = await openAt(layer, offsetBytes, elsewhere, async (headers, consume) =>
      session.getForeign(url, { task: elsewhere.task, headers }, signal, consume),
    );
    if (found !== 'missing') return found;
  }
  throw new SlipwayError('blob-unknown', { digest: layer.digest, registry });
}

function isUsable(url: URL | null): url is URL {
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname));
}

type Names = { readonly task: string; readonly server: string };
type Send = (headers: Readonly<Record<string, string>>, consume: Consume<Answer>) => Promise<Answer>;

/** Asks for a range, and for everything where the server will not or can't give that range. */
async function openAt(
  layer: LayerDescriptor,
  offsetBytes: number,
  names: Names,
  send: Send,
): Promise<OpenBlob | 'missing'> {
  if (offsetBytes > 0 && offsetBytes < layer.sizeBytes) {
    const range = `bytes=${offsetBytes}-${layer.sizeBytes - 1}`;
    const answer = await send({ range }, async (response) => await interpret(response, layer, offsetBytes, names));
    if (answer !== 'range-refused') return answer;
  }
  const answer = await send({}, async (response) => await interpret(response, layer, 0, names));
  if (answer !== 'range-refused') return answer;
  const reason = 'answers with a range that nobody asked for';
  throw new SlipwayError('registry-error', { task: names.task, registry: names.server, reason });
}

async function interpret(
  response: HttpResponse,
  layer: { readonly digest: Digest; readonly sizeBytes: number },
  offsetBytes: number,
  names: Names,
): Promise<Answer> {
  switch (response.status) {
    case 200:
      return { body: response.body, offsetBytes: 0 };
    case 206: {
      if (isRangeWanted(response.header('content-range')[0], offsetBytes, layer.sizeBytes)) {
        return { body: response.body, offsetBytes };
      }
      // Not the bytes that were asked for; reading on would cost more than a connection.
      response.body.destroy();
      return 'range-refused';
    }
    case 416:
      await discardBody(response);
      return 'range-refused';
    case 404:
      await discardBody(response);
      return 'missing';
    default:
      throw await unexpectedAnswer(response, names.task, names.server);
  }
}

/** Whether a Content-Range is what was asked for, up to the end of a blob of this size. */
export function isRangeWanted(value: string | undefined, offsetBytes: number, sizeBytes: number): boolean {
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/.exec(value?.trim() ?? '');
  if (match === null || offsetBytes === 0) return false;
  const [, first, last, total] = match;
  return Number(first) === offsetBytes && Number(last) < sizeBytes && (total === '*' || Number(total) === sizeBytes);
}
