// SPDX-License-Identifier: Apache-2.0
// The image configuration: OCI image-spec v1.1 ("Image Configuration"), of which Docker's is a superset.
import { type Digest, type ImageConfig, parseDigest, type Platform } from '../../model/index.ts';
import {
  type JsonObject,
  malformed,
  optionalObject,
  optionalString,
  parseJsonObject,
  requiredObject,
  shown,
  stringList,
  stringMap,
} from './json-fields.ts';
import { maxLayers } from './manifest.ts';

const maxStrings = 65_536;

export type ParsedImageConfig = {
  readonly config: ImageConfig;
  /** Digests of the uncompressed layers, from the base upwards. */
  readonly diffIds: readonly Digest[];
};

/**
 * Reads an image configuration.
 * @param what how messages name it, e.g. `the configuration of docker.io/library/debian:12`
 * @param fallback the platform to assume where the configuration names none, as some old images do
 * @throws SlipwayError `manifest-malformed`
 */
export function parseImageConfig(bytes: Uint8Array, what: string, fallback: Platform): ParsedImageConfig {
  const document = parseJsonObject(bytes, what);
  const rootfs = requiredObject(document, 'rootfs');
  if (optionalString(rootfs, 'type') !== 'layers') throw malformed(rootfs, 'type', 'is not "layers"');
  const diffIds = stringList(rootfs, 'diff_ids', maxLayers).map((text, index) => {
    const digest = parseDigest(text);
    if (digest !== undefined) return digest;
    throw malformed(rootfs, `diff_ids[${index}]`, `is no sha256 or sha512 digest: "${shown(text)}"`);
  });
  const created = optionalString(document, 'created');
  const platform = readPlatform(document) ?? fallback;
  const settings = optionalObject(document, 'config');
  if (settings === undefined) {
    const config = {
      platform,
      ...(created === undefined ? {} : { created }),
      env: [],
      entrypoint: [],
      cmd: [],
      labels: {},
    };
    return { config, diffIds };
  }
  const workdir = optionalString(settings, 'WorkingDir');
  const user = optionalString(settings, 'User');
  const config: ImageConfig = {
    platform,
    ...(created === undefined ? {} : { created }),
    env: readEnvironment(settings),
    entrypoint: readWords(settings, 'Entrypoint'),
    cmd: readWords(settings, 'Cmd'),
    ...(workdir === undefined ? {} : { workdir }),
    ...(user === undefined ? {} : { user }),
    labels: stringMap(settings, 'Labels'),
  };
  return { config, diffIds };
}

function readPlatform(document: JsonObject): Platform | undefined {
  const os = optionalString(document, 'os');
  const architecture = optionalString(document, 'architecture');
  if (os === undefined || architecture === undefined) return undefined;
  const variant = optionalString(document, 'variant');
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

function readEnvironment(settings: JsonObject): readonly string[] {
  const env = stringList(settings, 'Env', maxStrings);
  for (const [index, entry] of env.entries()) {
    // An entry without a value is legal in Docker's API (it means "unset"), but one without a name never is.
    if (entry === '' || entry.startsWith('=')) throw malformed(settings, `Env[${index}]`, 'has no name');
  }
  return env;
}

/** Docker's early builders wrote a single word as a plain string, and Docker still reads it. */
function readWords(settings: JsonObject, name: string): readonly string[] {
  const value = settings.values.get(name);
  if (typeof value !== 'string') return stringList(settings, name, maxStrings);
  const word = optionalString(settings, name);
  return word === undefined ? [] : [word];
}
