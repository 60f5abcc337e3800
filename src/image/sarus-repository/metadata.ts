// SPDX-License-Identifier: Apache-2.0
// metadata.json, the list of a repository's images, and the .meta file beside each squashfs.
import { SlipwayError } from '../../model/index.ts';

export type SarusImage = {
  readonly uniqueKey: string;
  readonly server: string;
  readonly namespace: string;
  readonly image: string;
  readonly tag: string;
  /** Of the reference, where it had one. */
  readonly digest: string;
  /** Of the manifest in the registry. */
  readonly registryDigest: string;
  /** Of the image's configuration: hexadecimal digits. */
  readonly id: string;
  readonly imagePath: string;
  readonly metadataPath: string;
  readonly datasize: string;
  readonly created: string;
};

export type SarusImageMeta = {
  readonly Cmd: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly WorkingDir: string;
  readonly Env: Readonly<Record<string, string>>;
  readonly Labels: Readonly<Record<string, string>>;
};

const maxImages = 100_000;
const names = [
  'uniqueKey',
  'server',
  'namespace',
  'image',
  'tag',
  'digest',
  'registryDigest',
  'id',
  'imagePath',
  'metadataPath',
  'datasize',
  'created',
] as const;

/** @throws SlipwayError `sarus-repository` */
export function parseSarusMetadata(text: string, path: string): readonly SarusImage[] {
  const images = field(parse(text, path), 'images');
  if (!Array.isArray(images) || images.length > maxImages) throw refusal(path, 'it holds no list of images');
  return images.map((image: unknown) => {
    const fields = Object.fromEntries(names.map((name) => [name, textOf(field(image, name))]));
    return fields as Readonly<Record<(typeof names)[number], string>>;
  });
}

/** @throws SlipwayError `sarus-repository` */
export function parseSarusMeta(text: string, path: string): SarusImageMeta {
  const meta = parse(text, path);
  const list = (name: string): readonly string[] => {
    const value = field(meta, name);
    return Array.isArray(value) ? value.map(textOf) : [];
  };
  const map = (name: string): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(field(meta, name) ?? {}).map(([key, value]) => [key, textOf(value)]));
  return {
    Cmd: list('Cmd'),
    Entrypoint: list('Entrypoint'),
    WorkingDir: textOf(field(meta, 'WorkingDir')),
    Env: map('Env'),
    Labels: map('Labels'),
  };
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refusal(path, 'it is not JSON', cause);
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

/** Numbers stand where Sarus's versions differ in what they write. */
function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
  return text.includes('\0') ? '' : text;
}

function refusal(path: string, reason: string, cause?: unknown): SlipwayError {
  return new SlipwayError('sarus-repository', { path, reason }, cause === undefined ? {} : { cause });
}
