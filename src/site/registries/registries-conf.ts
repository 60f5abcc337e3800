// SPDX-License-Identifier: Apache-2.0
// The text of a registries.conf, version 2 (containers-registries.conf(5)), and of the files beside it, as rules. Pure.
import { parse } from 'smol-toml';
import {
  noRegistryRules,
  parseImageReference,
  type RegistryMirror,
  type RegistryRule,
  type RegistryRules,
  SlipwayError,
} from '../../model/index.ts';

/** What one file says; what it leaves out is undefined. */
export type RegistriesFile = {
  readonly rules: readonly RegistryRule[];
  /** An empty value takes an alias of an earlier file away. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly searched?: readonly string[];
  readonly shortNames?: RegistryRules['shortNames'];
  readonly credentialHelpers?: readonly string[];
};

type Table = Readonly<Record<string, unknown>>;

const place =
  /^(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::[0-9]{1,5})?(?:\/[a-z0-9._/-]*[a-z0-9])?$/;
const prefixPattern = /^(?:\*(?:\.[A-Za-z0-9-]+)+|[^\s*]+)$/;
const helperPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** A fault in a file, worded to follow `read PATH: `. */
class Fault extends Error {}

/** @throws SlipwayError `containers-file-malformed` */
export function parseRegistriesFile(text: string, path: string): RegistriesFile {
  try {
    return readFile(parse(text));
  } catch (error) {
    // The TOML parser's message spans lines; the first says what and where.
    const reason = error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
    throw new SlipwayError(
      'containers-file-malformed',
      { path, reason, manual: 'containers-registries.conf(5)' },
      { cause: error },
    );
  }
}

/** What the files say together, later ones over earlier ones: lists as a whole, rules by their prefix. */
export function mergeRegistriesFiles(files: readonly RegistriesFile[]): RegistryRules {
  const rules = new Map<string, RegistryRule>();
  const aliases = new Map<string, string>();
  let merged = noRegistryRules;
  for (const file of files) {
    for (const rule of file.rules) rules.set(rule.prefix, rule);
    for (const [name, value] of file.aliases) {
      if (value === '') aliases.delete(name);
      else aliases.set(name, value);
    }
    merged = {
      ...merged,
      ...(file.searched === undefined ? {} : { searched: file.searched }),
      ...(file.shortNames === undefined ? {} : { shortNames: file.shortNames }),
      ...(file.credentialHelpers === undefined ? {} : { credentialHelpers: file.credentialHelpers }),
    };
  }
  return { ...merged, rules: [...rules.values()], aliases };
}

function readFile(top: Table): RegistriesFile {
  const registries = top['registries'];
  // Version 1 has tables [registries.search], [registries.insecure] and [registries.block].
  if (registries !== undefined)
    throw new Fault('it is of version 1; write it anew with [[registry]] tables (version 2)');
  const shortNames = optionalText(top, 'short-name-mode');
  if (shortNames !== undefined && !['enforcing', 'permissive', 'disabled'].includes(shortNames)) {
    throw new Fault('short-name-mode is none of enforcing, permissive, disabled');
  }
  const searched = textList(top, 'unqualified-search-registries');
  for (const registry of searched ?? []) {
    if (!place.test(registry)) throw new Fault(`unqualified-search-registries: "${registry}" is no registry`);
  }
  const helpers = textList(top, 'credential-helpers');
  for (const helper of helpers ?? []) {
    if (!helperPattern.test(helper)) throw new Fault(`credential-helpers: "${helper}" is no name`);
  }
  return {
    rules: tables(top, 'registry').map(readRule),
    aliases: readAliases(top['aliases']),
    ...(searched === undefined ? {} : { searched }),
    ...(shortNames === undefined ? {} : { shortNames: shortNames as RegistryRules['shortNames'] }),
    ...(helpers === undefined ? {} : { credentialHelpers: helpers }),
  };
}

function readRule(table: Table): RegistryRule {
  const location = withoutSlash(optionalText(table, 'location') ?? '');
  const prefix = withoutSlash(optionalText(table, 'prefix') ?? '') || location;
  if (prefix === '') throw new Fault('a [[registry]] has neither prefix nor location');
  if (!prefixPattern.test(prefix)) throw new Fault(`prefix "${prefix}" is neither a name nor *.DOMAIN`);
  if (location === '' && !prefix.startsWith('*.')) throw new Fault(`[[registry]] ${prefix} has no location`);
  if (location !== '' && !place.test(location)) throw new Fault(`location "${location}" is no host[:port][/path]`);
  const byDigestOnly = optionalFlag(table, 'mirror-by-digest-only');
  return {
    prefix,
    location,
    isInsecure: optionalFlag(table, 'insecure') ?? false,
    isBlocked: optionalFlag(table, 'blocked') ?? false,
    mirrors: tables(table, 'mirror').map((mirror) => readMirror(mirror, prefix, byDigestOnly)),
  };
}

function readMirror(table: Table, prefix: string, byDigestOnly: boolean | undefined): RegistryMirror {
  const location = withoutSlash(optionalText(table, 'location') ?? '');
  if (!place.test(location)) throw new Fault(`a mirror of ${prefix} has location "${location}", no host[:port][/path]`);
  const pullFrom = optionalText(table, 'pull-from-mirror');
  if (pullFrom !== undefined && byDigestOnly !== undefined) {
    throw new Fault(`${prefix}: pull-from-mirror and mirror-by-digest-only exclude each other`);
  }
  const isInsecure = optionalFlag(table, 'insecure') ?? false;
  switch (pullFrom) {
    case undefined:
      return { location, isInsecure, pullFrom: byDigestOnly === true ? 'digest-only' : 'all' };
    case 'all':
    case 'digest-only':
    case 'tag-only':
      return { location, isInsecure, pullFrom };
    default:
      throw new Fault(`${prefix}: pull-from-mirror is none of all, digest-only, tag-only`);
  }
}

function readAliases(value: unknown): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  for (const [name, target] of Object.entries(asTable(value ?? {}, 'aliases'))) {
    if (typeof target !== 'string') throw new Fault(`the alias ${name} is no text`);
    if (target !== '') checkAlias(name, target);
    aliases.set(name, target);
  }
  return aliases;
}

function checkAlias(name: string, target: string): void {
  try {
    parseImageReference(name);
    parseImageReference(target);
  } catch (error) {
    throw new Fault(`the alias ${name}: ${error instanceof Error ? error.message : ''}`, { cause: error });
  }
  if (/[:@]/.test(target.slice(target.indexOf('/')))) throw new Fault(`the alias ${name} has a tag or digest`);
}

function withoutSlash(text: string): string {
  return text.replace(/\/+$/, '');
}

function tables(table: Table, name: string): readonly Table[] {
  const value = table[name] ?? [];
  if (!Array.isArray(value)) throw new Fault(`${name} is no list of tables, [[${name}]]`);
  return (value as readonly unknown[]).map((each) => asTable(each, name));
}

function asTable(value: unknown, name: string): Table {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Fault(`${name} is no table`);
  return value as Table;
}

function optionalText(table: Table, name: string): string | undefined {
  const value = table[name];
  if (value === undefined || typeof value === 'string') return value;
  throw new Fault(`${name} is no text`);
}

function optionalFlag(table: Table, name: string): boolean | undefined {
  const value = table[name];
  if (value === undefined || typeof value === 'boolean') return value;
  throw new Fault(`${name} is neither true nor false`);
}

function textList(table: Table, name: string): readonly string[] | undefined {
  const value = table[name];
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || !value.every((each): each is string => typeof each === 'string')) {
    throw new Fault(`${name} is no list of texts`);
  }
  return value;
}
