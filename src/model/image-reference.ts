// SPDX-License-Identifier: Apache-2.0
// What a person types to name an image in a registry, and what it means. The grammar is that of the
// distribution project's reference package, as docker, podman and skopeo apply it:
//   [registry[:port]/]path[/path…][:tag][@digest]
// A first component with a dot or a colon, or `localhost`, is a registry; otherwise docker.io is meant, where a
// single-component path gets the prefix `library/`.
import { type Digest, parseDigest } from './digest.ts';
import { SlipwayError } from './errors.ts';

/** A registry image, fully spelled. At least one of tag and digest is there; a digest decides when both are. */
export type ImageReference = {
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
};

export const defaultRegistry = 'docker.io';

const host = /^(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::[0-9]{1,5})?$/;
const pathComponent = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/**
 * Reads an image name, with or without `docker://` before it.
 * @throws SlipwayError `reference-malformed` with the part that is wrong.
 */
export function parseImageReference(text: string): ImageReference {
  const fail = (reason: string): never => {
    throw new SlipwayError('reference-malformed', { reference: text.slice(0, 300), reason });
  };
  let rest = text.startsWith('docker://') ? text.slice('docker://'.length) : text;
  if (rest === '') fail('it is empty');

  let digest: Digest | undefined;
  const at = rest.indexOf('@');
  if (at >= 0) {
    digest = parseDigest(rest.slice(at + 1)) ?? fail('what follows @ is no sha256 or sha512 digest');
    rest = rest.slice(0, at);
  }

  const slash = rest.indexOf('/');
  const first = slash < 0 ? '' : rest.slice(0, slash);
  let registry = defaultRegistry;
  if (namesRegistry(rest)) {
    if (!host.test(first)) fail(`"${first}" is no host name`);
    registry = first === 'index.docker.io' ? defaultRegistry : first;
    rest = rest.slice(slash + 1);
  }

  let tag: string | undefined;
  const colon = rest.lastIndexOf(':');
  if (colon >= 0) {
    tag = rest.slice(colon + 1);
    if (!tagPattern.test(tag)) fail(`"${tag}" is no tag (letters, digits, _ . -, at most 128)`);
    rest = rest.slice(0, colon);
  }

  if (rest === '') fail('the repository is missing');
  for (const component of rest.split('/')) {
    if (!pathComponent.test(component)) {
      fail(
        component === ''
          ? 'it has an empty path component'
          : component !== component.toLowerCase()
            ? `"${component}" has capital letters`
            : `"${component}" is no repository component`,
      );
    }
  }
  const repository = registry === defaultRegistry && !rest.includes('/') ? `library/${rest}` : rest;
  if (repository.length > 255) fail('the repository is longer than 255 characters');
  if (tag === undefined && digest === undefined) tag = 'latest';
  return {
    registry,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** Whether a name (without `docker://`) begins with a registry, rather than having one understood. */
export function namesRegistry(name: string): boolean {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  return (
    slash > 0 && (first.includes('.') || first.includes(':') || first === 'localhost' || first.toLowerCase() !== first)
  );
}

/** The full spelling, which parses back to the same reference. */
export function formatImageReference(reference: ImageReference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}

/** As people write it: without docker.io and its library/. */
export function shortImageReference(reference: ImageReference): string {
  const full = formatImageReference(reference);
  if (reference.registry !== defaultRegistry) return full;
  return full.slice(defaultRegistry.length + 1).replace(/^library\//, '');
}
