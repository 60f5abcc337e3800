// SPDX-License-Identifier: Apache-2.0
// The text of a policy.json (containers-policy.json(5)). As there, whatever is unknown, repeated or of another type makes
// the whole file unusable: what decides about trust may not be half understood. Pure.
import { parseUniqueJson } from '../../formats/json/index.ts';
import {
  type KeySource,
  parseImageReference,
  type SignedIdentity,
  SlipwayError,
  type TrustPolicy,
  type TrustRequirement,
} from '../../model/index.ts';

type Fields = ReadonlyMap<string, unknown>;

/** What is wrong, worded to follow `read PATH: `. */
class Fault extends Error {}

/** @throws SlipwayError `containers-file-malformed` */
export function parsePolicy(text: string, path: string): TrustPolicy {
  try {
    const top = fieldsOf(parseUniqueJson(text), 'it', ['default', 'transports']);
    const transports = [...fieldsOf(top.get('transports') ?? {}, 'transports')].map(
      ([transport, scopes]) => [transport, readScopes(transport, scopes)] as const,
    );
    return { path, default: readRequirements(top.get('default'), 'default'), transports: new Map(transports) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const fields = { path, reason, manual: 'containers-policy.json(5)' };
    throw new SlipwayError('containers-file-malformed', fields, { cause: error });
  }
}

function readScopes(transport: string, value: unknown): ReadonlyMap<string, readonly TrustRequirement[]> {
  return new Map(
    [...fieldsOf(value, transport)].map(([scope, requirements]) => [
      scope,
      readRequirements(requirements, `${transport} "${scope}"`),
    ]),
  );
}

function readRequirements(value: unknown, where: string): readonly TrustRequirement[] {
  if (!Array.isArray(value) || value.length === 0) throw new Fault(`${where} is no list of requirements`);
  return (value as readonly unknown[]).map((each) => readRequirement(each, where));
}

function readRequirement(value: unknown, where: string): TrustRequirement {
  const fields = fieldsOf(value, where);
  const type = fields.get('type');
  switch (type) {
    case 'insecureAcceptAnything':
    case 'reject':
      checkNames(fields, ['type'], where);
      return { type };
    case 'signedBy': {
      checkNames(fields, ['type', 'keyType', 'keyPath', 'keyPaths', 'keyData', 'signedIdentity'], where);
      const keyType = fields.get('keyType');
      if (keyType !== 'GPGKeys') throw new Fault(`${where}: keyType is not GPGKeys`);
      return { type, keys: readKeys(fields, where), identity: readIdentity(fields.get('signedIdentity'), where) };
    }
    case 'sigstoreSigned': {
      checkNames(fields, [...sigstoreKeys, ...sigstoreElse, 'type', 'signedIdentity'], where);
      const other = sigstoreElse.find((name) => fields.has(name));
      const identity = readIdentity(fields.get('signedIdentity'), where);
      if (other !== undefined) {
        return { type: 'unsupported', reason: `sigstoreSigned with ${other} can't be checked, only with a key` };
      }
      return { type, keys: readKeys(fields, where), identity };
    }
    default:
      throw new Fault(`${where} has a requirement of the unknown type ${JSON.stringify(type)}`);
  }
}

const sigstoreKeys = ['keyPath', 'keyPaths', 'keyData', 'keyDatas'];
/** Certificates and transparency logs: newer files have them. */
const sigstoreElse = [
  'fulcio',
  'pki',
  'rekorPublicKeyPath',
  'rekorPublicKeyPaths',
  'rekorPublicKeyData',
  'rekorPublicKeyDatas',
];

function readKeys(fields: Fields, where: string): readonly KeySource[] {
  const given = sigstoreKeys.filter((name) => fields.has(name));
  if (given.length !== 1) throw new Fault(`${where} needs exactly one of keyPath, keyPaths and keyData`);
  const [name = ''] = given;
  const value = fields.get(name);
  const texts = name.endsWith('s') ? value : [value];
  if (!Array.isArray(texts) || texts.length === 0 || !texts.every((text) => typeof text === 'string' && text !== '')) {
    throw new Fault(`${where}: ${name} is not text`);
  }
  return (texts as readonly string[]).map((text) => {
    if (name.startsWith('keyPath')) {
      if (!text.startsWith('/')) throw new Fault(`${where}: ${name} is no absolute path`);
      return { kind: 'file', path: text };
    }
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw new Fault(`${where}: ${name} is no base64`);
    return { kind: 'data', bytes: Buffer.from(text, 'base64') };
  });
}

function readIdentity(value: unknown, where: string): SignedIdentity {
  if (value === undefined) return { type: 'matchRepoDigestOrExact' };
  const fields = fieldsOf(value, `${where}: signedIdentity`);
  const type = fields.get('type');
  const text = (name: string): string => {
    const found = fields.get(name);
    if (typeof found !== 'string' || found === '') throw new Fault(`${where}: signedIdentity has no ${name}`);
    return found;
  };
  switch (type) {
    case 'matchExact':
    case 'matchRepoDigestOrExact':
    case 'matchRepository':
      checkNames(fields, ['type'], where);
      return { type };
    case 'exactReference': {
      checkNames(fields, ['type', 'dockerReference'], where);
      const reference = text('dockerReference');
      checkReference(reference, where);
      if (!/[:@]/.test(reference.slice(reference.lastIndexOf('/')))) {
        throw new Fault(`${where}: dockerReference has neither tag nor digest`);
      }
      return { type, reference };
    }
    case 'exactRepository':
      checkNames(fields, ['type', 'dockerRepository'], where);
      checkReference(text('dockerRepository'), where);
      return { type, repository: text('dockerRepository') };
    case 'remapIdentity':
      checkNames(fields, ['type', 'prefix', 'signedPrefix'], where);
      return { type, prefix: text('prefix'), signedPrefix: text('signedPrefix') };
    default:
      throw new Fault(`${where} has a signedIdentity of the unknown type ${JSON.stringify(type)}`);
  }
}

function checkReference(text: string, where: string): void {
  try {
    parseImageReference(text);
  } catch (error) {
    throw new Fault(`${where}: "${text}" is no name of an image`, { cause: error });
  }
}

function fieldsOf(value: unknown, where: string, names?: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Fault(`${where} is no object`);
  const fields = new Map<string, unknown>(Object.entries(value));
  if (names !== undefined) checkNames(fields, names, where);
  return fields;
}

function checkNames(fields: Fields, names: readonly string[], where: string): void {
  for (const name of fields.keys())
    if (!names.includes(name)) throw new Fault(`${where} has the unknown field ${name}`);
}
