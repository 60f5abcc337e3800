// SPDX-License-Identifier: Apache-2.0
// Where a site keeps simple signatures: the text of files of registries.d (containers-registries.d(5)). Pure.
import { parse } from 'yaml';
import { SlipwayError } from '../../model/index.ts';

/** The address of signatures for each scope, scopes as in policies and '' for all others; undefined: it has none. */
export type Lookasides = ReadonlyMap<string, URL | undefined>;

class Fault extends Error {}

type Section = { readonly scope: string; readonly url: URL | undefined };

/** @throws SlipwayError `containers-file-malformed`; also where two files have a section for one scope */
export function parseLookasides(files: readonly { readonly path: string; readonly text: string }[]): Lookasides {
  const byScope = new Map<string, URL | undefined>();
  for (const { path, text } of files) {
    try {
      for (const section of readSections(parse(text, { maxAliasCount: 0 }))) {
        if (byScope.has(section.scope))
          throw new Fault(`${section.scope || 'default-docker'} stands in another file too`);
        byScope.set(section.scope, section.url);
      }
    } catch (error) {
      const reason = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
      const fields = { path, reason, manual: 'containers-registries.d(5)' };
      throw new SlipwayError('containers-file-malformed', fields, { cause: error });
    }
  }
  return byScope;
}

function readSections(document: unknown): readonly Section[] {
  const top = fieldsOf(document ?? {}, 'it');
  for (const name of top.keys()) {
    if (name !== 'docker' && name !== 'default-docker') throw new Fault(`it has the unknown section ${name}`);
  }
  const fallback = top.get('default-docker');
  return [
    ...(fallback === undefined ? [] : [{ scope: '', url: readUrl(fallback, 'default-docker') }]),
    ...[...fieldsOf(top.get('docker') ?? {}, 'docker')].map(([scope, section]) => ({
      scope,
      url: readUrl(section, scope),
    })),
  ];
}

/** `sigstore` is what `lookaside` was called before sigstore had its name. */
function readUrl(section: unknown, scope: string): URL | undefined {
  const fields = fieldsOf(section, scope);
  const text = fields.get('lookaside') ?? fields.get('sigstore');
  if (text === undefined) return undefined;
  const url = typeof text === 'string' ? URL.parse(text) : null;
  if (url === null || !['file:', 'https:', 'http:'].includes(url.protocol)) {
    throw new Fault(`${scope}: lookaside is no address (file:, https: or http:)`);
  }
  return url;
}

function fieldsOf(value: unknown, where: string): ReadonlyMap<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Fault(`${where} is no mapping`);
  return new Map(Object.entries(value));
}
