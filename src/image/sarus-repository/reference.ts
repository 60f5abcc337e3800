// SPDX-License-Identifier: Apache-2.0
// Image names as Sarus takes them: [server[:port]/][namespace/]name[:tag][@digest], with docker.io, library and latest
// where nothing is said. `load` is the server of images that came from files.
import { parseImageReference, SlipwayError } from '../../model/index.ts';

export type SarusReference = {
  readonly server: string;
  readonly namespace: string;
  readonly image: string;
  /** Empty where a digest was given. */
  readonly tag: string;
  readonly digest: string;
};

/** @throws SlipwayError `reference-malformed` */
export function parseSarusReference(text: string, server?: string): SarusReference {
  if (text.includes('..')) throw new SlipwayError('reference-malformed', { reference: text, reason: 'it holds ".."' });
  const { registry, repository, tag, digest } = parseImageReference(
    server === undefined ? text : `${server}.invalid/${text}`,
  );
  const slash = repository.lastIndexOf('/');
  return {
    server: server ?? registry,
    namespace: slash < 0 ? (server === undefined ? '' : 'library') : repository.slice(0, slash),
    image: repository.slice(slash + 1),
    tag: digest === undefined ? (tag ?? 'latest') : '',
    digest: digest ?? '',
  };
}

/** As it is shown and stored: `docker.io/library/debian:12`, or with `@digest`. */
export function formatSarusReference({ server, namespace, image, tag, digest }: SarusReference): string {
  const name = [server, namespace, image].filter((part) => part !== '').join('/');
  return digest === '' ? `${name}:${tag}` : `${name}@${digest}`;
}

/** The path of an image's files below `images`, without extension. */
export function sarusKey({ server, namespace, image, tag, digest }: SarusReference): string {
  const last = digest === '' ? tag : digest.replace(':', '-');
  return [server, namespace, image, last].filter((part) => part !== '').join('/');
}
