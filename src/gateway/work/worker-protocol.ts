// SPDX-License-Identifier: Apache-2.0
// What the gateway and the process that makes an image say to each other: a line of JSON each. The task goes over
// standard input, not the command line, as it holds passwords; when that input ends, so does the worker.
import type { Digest, ImageReference, Platform, PullEvent } from '../../model/index.ts';
import type { GatewayConfig } from '../../site/index.ts';
import type { ProxySettings } from '../../sys/proxies.ts';
import type { ImageFacts } from '../records/types.ts';

export type WorkerTask = {
  readonly reference: ImageReference;
  readonly platform: Platform;
  readonly isPlainHttp: boolean;
  readonly certificateAuthority: string | undefined;
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  readonly proxy: ProxySettings;
  readonly userAgent: string;
  /** The store in which images are made. */
  readonly store: string;
  readonly expandDirectory: string;
  readonly converter: GatewayConfig['converter'];
  readonly compressionLevel: number | undefined;
  readonly threads: number | undefined;
  readonly examiner: string | undefined;
};

/** From the gateway: the task, then, once it knows what the tag points to, whether the image has to be made. */
export type ToWorker = { readonly type: 'task'; readonly task: WorkerTask } | { readonly type: 'make' };

export type FromWorker =
  | { readonly type: 'resolved'; readonly facts: ImageFacts; readonly isPrivate: boolean; readonly digest: Digest }
  | { readonly type: 'event'; readonly event: PullEvent }
  | { readonly type: 'status'; readonly status: 'PULLING' | 'EXAMINATION' | 'CONVERSION'; readonly message: string }
  /** `isTemporary`: the file is the gateway's to remove; else it is the store's. */
  | { readonly type: 'made'; readonly path: string; readonly sizeBytes: number; readonly isTemporary: boolean }
  | { readonly type: 'failed'; readonly message: string; readonly isDefect: boolean };

const maxLineBytes: number = 16 * 1024 * 1024;

/** Cuts a stream of bytes into lines of bounded length. */
export async function* readLines(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of source) {
    rest += decoder.decode(chunk, { stream: true });
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      yield rest.slice(0, end);
      rest = rest.slice(end + 1);
    }
    if (rest.length > maxLineBytes) throw new Error('a line without an end');
  }
}
