// SPDX-License-Identifier: Apache-2.0
// The name that an image gets in the store when it comes from no registry. It is `localhost/NAME:TAG`, which no
// registry's image can be mistaken for, whatever the file itself says that it is; a name with a registry that the person
// typed is taken at their word.
import { type ImageReference, namesRegistry, parseImageReference } from './image-reference.ts';
import type { SourceReference } from './source-reference.ts';

const localRegistry = 'localhost';
const tagText = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const fileSuffixes =
  /\.(?:squashfs|sqfs|sqsh|squash|sif|simg|oci|ociarchive|tar|tgz|tzst|txz|tbz2?|gz|zst|zstd|xz|bz2)$/;

/**
 * The reference for an image that is not a registry's: the name that was asked for in it, or else the file's own name
 * without its ending, in small letters.
 * @param source its path absolute
 * @throws SlipwayError `reference-malformed` where a name was asked for that no image can have
 * @example storeNameOf({ transport: 'oci', path: '/images/python', name: '3.11' }) // localhost/python:3.11
 */
export function storeNameOf(source: Exclude<SourceReference, { transport: 'docker' | 'name' }>): ImageReference {
  if (!('path' in source)) return local(source.name);
  const base = repositoryName(source.path);
  const name = 'name' in source ? source.name : undefined;
  if (name === undefined || /^@[0-9]+$/.test(name)) return local(base);
  return tagText.test(name) ? local(`${base}:${name}`) : local(name);
}

function local(name: string): ImageReference {
  return parseImageReference(namesRegistry(name) ? name : `${localRegistry}/${name}`);
}

/** The last component of a path as a component of a repository. */
function repositoryName(path: string): string {
  let name = path.replace(/\/+$/, '').split('/').at(-1) ?? '';
  for (let stripped = name.replace(fileSuffixes, ''); stripped !== name && stripped !== '';) {
    name = stripped;
    stripped = name.replace(fileSuffixes, '');
  }
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, (run) => (/^(?:\.|__?|-+)$/.test(run) ? run : '-'))
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
  return plain === '' ? 'image' : plain.slice(0, 200).replace(/[^a-z0-9]+$/, '');
}
