// SPDX-License-Identifier: Apache-2.0
// Every way to say where an image is: `TRANSPORT:REST` as skopeo(1) and containers-transports(5) spell them, the files
// that those don't know (a directory, a tarball, squashfs, SIF), paths whose content tells what they are, and names.
// As there, a path before `:REF` can't hold a colon.
import { SlipwayError } from './errors.ts';
import { type ImageReference, parseImageReference } from './image-reference.ts';

/** A file or directory that holds one image or several, each with a manifest. */
export type LayoutTransport = 'oci' | 'oci-archive' | 'docker-archive';
/** Another program that keeps images. */
export type EngineTransport = 'docker-daemon' | 'containers-storage';
/** What holds one image or tree and nothing else. */
export type FileTransport = 'dir' | 'directory' | 'tar' | 'squashfs' | 'sif';

export type SourceReference =
  | { readonly transport: 'docker'; readonly image: ImageReference }
  /** A word without a transport that is no path: the store's or a registry's, as the command has it. */
  | { readonly transport: 'name'; readonly text: string }
  /** `name` says which of several images: a tag, or a name with a tag. */
  | { readonly transport: LayoutTransport; readonly path: string; readonly name?: string }
  | { readonly transport: EngineTransport; readonly name: string }
  | { readonly transport: FileTransport; readonly path: string }
  /** Whichever its content says. */
  | { readonly transport: 'path'; readonly path: string };

const layouts: ReadonlySet<string> = new Set<LayoutTransport>(['oci', 'oci-archive', 'docker-archive']);
const engines: ReadonlySet<string> = new Set<EngineTransport>(['docker-daemon', 'containers-storage']);
const files: ReadonlySet<string> = new Set<FileTransport>(['dir', 'directory', 'tar', 'squashfs', 'sif']);

const pathStart = /^(?:\/|\.\.?(?:\/|$))/;
const fileSuffix =
  /\.(?:squashfs|sqfs|sqsh|squash|sif|simg|tar|tar\.(?:gz|zst|zstd|xz|bz2)|tgz|tzst|txz|tbz2?|oci|ociarchive)$/;

/**
 * Reads where an image is. Nothing is looked up.
 * @throws SlipwayError `source-malformed`; `reference-malformed` for a `docker://` name
 * @example parseSourceReference('oci:images/python:3.11') // { transport: 'oci', path: 'images/python', name: '3.11' }
 */
export function parseSourceReference(text: string): SourceReference {
  const fail = (reason: string): never => {
    throw new SlipwayError('source-malformed', { reference: text.slice(0, 300), reason });
  };
  if (text === '') return fail('it is empty');
  if (text.includes('\0')) return fail('it has a NUL character');
  if (text.startsWith('docker://')) return { transport: 'docker', image: parseImageReference(text) };
  if (isPathText(text)) return { transport: 'path', path: text };
  const match = /^([a-z][a-z0-9-]*):(.*)$/s.exec(text);
  const [, transport = '', rest = ''] = match ?? [];
  if (rest.startsWith('//')) return fail(`"${transport}://" is no transport of images`);
  if (files.has(transport)) {
    if (rest === '') return fail('the path is missing');
    return { transport: transport as FileTransport, path: rest };
  }
  if (engines.has(transport)) {
    if (rest === '') return fail('the name is missing');
    return { transport: transport as EngineTransport, name: rest };
  }
  if (layouts.has(transport)) {
    const colon = rest.indexOf(':');
    const path = colon < 0 ? rest : rest.slice(0, colon);
    const name = colon < 0 ? '' : rest.slice(colon + 1);
    if (path === '') return fail('the path is missing');
    return { transport: transport as LayoutTransport, path, ...(name === '' ? {} : { name }) };
  }
  return { transport: 'name', text };
}

/**
 * Whether a word is taken for a path: it begins with /, ./ or ../, is . or .., or ends in a slash or like an image file's
 * name.
 */
function isPathText(text: string): boolean {
  if (pathStart.test(text)) return true;
  return (text.endsWith('/') || fileSuffix.test(text)) && !/^[a-z][a-z0-9-]*:/.test(text);
}

/** The spelling that parses back to the same reference. */
export function formatSourceReference(reference: SourceReference): string {
  switch (reference.transport) {
    case 'docker': {
      const { registry, repository, tag, digest } = reference.image;
      const suffix = `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
      return `docker://${registry}/${repository}${suffix}`;
    }
    case 'name':
      return reference.text;
    case 'oci':
    case 'oci-archive':
    case 'docker-archive': {
      const name = reference.name === undefined ? '' : `:${reference.name}`;
      return `${reference.transport}:${reference.path}${name}`;
    }
    case 'docker-daemon':
    case 'containers-storage':
      return `${reference.transport}:${reference.name}`;
    case 'path':
      return reference.path;
    case 'dir':
    case 'directory':
    case 'tar':
    case 'squashfs':
    case 'sif':
      return `${reference.transport}:${reference.path}`;
    default:
      return reference satisfies never;
  }
}
