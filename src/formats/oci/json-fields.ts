// SPDX-License-Identifier: Apache-2.0
// Reading fields out of untrusted JSON: each reader returns the type it names or throws `manifest-malformed` with the
// field's path. Go writes absent lists and maps as null, so null counts as absent throughout.
import { type Digest, parseDigest, SlipwayError } from '../../model/index.ts';

/** One JSON object and where it came from, for messages. */
export type JsonObject = {
  readonly values: ReadonlyMap<string, unknown>;
  /** The document, e.g. `the manifest of docker.io/library/debian:12`. */
  readonly what: string;
  /** Path within it with a trailing dot, or empty at the top. */
  readonly path: string;
};

/**
 * Parses a document that has to be one JSON object in UTF-8.
 * @throws SlipwayError `manifest-malformed`
 */
export function parseJsonObject(bytes: Uint8Array, what: string): JsonObject {
  const value = parseDocument(bytes, what);
  if (!isRecord(value)) throw new SlipwayError('manifest-malformed', { what, reason: 'it is not a JSON object' });
  return { values: new Map(Object.entries(value)), what, path: '' };
}

/**
 * Parses a document that has to be a JSON list of objects in UTF-8.
 * @throws SlipwayError `manifest-malformed`
 */
export function parseJsonObjects(bytes: Uint8Array, what: string, maxLength: number): readonly JsonObject[] {
  const members = new Map([['list', parseDocument(bytes, what)]]);
  return objectList({ values: members, what, path: '' }, 'list', maxLength);
}

function parseDocument(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new SlipwayError('manifest-malformed', { what, reason: 'it is not JSON in UTF-8' }, { cause });
  }
}

export function malformed(object: JsonObject, name: string, reason: string): SlipwayError {
  return new SlipwayError('manifest-malformed', { what: object.what, reason: `${object.path}${name} ${reason}` });
}

export function optionalObject(object: JsonObject, name: string): JsonObject | undefined {
  const value = object.values.get(name) ?? undefined;
  if (value === undefined) return undefined;
  if (!isRecord(value)) throw malformed(object, name, 'is not an object');
  return { values: new Map(Object.entries(value)), what: object.what, path: `${object.path}${name}.` };
}

export function requiredObject(object: JsonObject, name: string): JsonObject {
  const value = optionalObject(object, name);
  if (value === undefined) throw malformed(object, name, 'is missing');
  return value;
}

/** An absent list is empty. */
export function objectList(object: JsonObject, name: string, maxLength: number): readonly JsonObject[] {
  return list(object, name, maxLength).map((value, index) => {
    if (!isRecord(value)) throw malformed(object, `${name}[${index}]`, 'is not an object');
    return { values: new Map(Object.entries(value)), what: object.what, path: `${object.path}${name}[${index}].` };
  });
}

/** An absent list is empty. Strings with a NUL are refused: the kernel would cut them short. */
export function stringList(object: JsonObject, name: string, maxLength: number): readonly string[] {
  return list(object, name, maxLength).map((value, index) => checkString(object, `${name}[${index}]`, value));
}

/** An absent or empty string is undefined. */
export function optionalString(object: JsonObject, name: string): string | undefined {
  const value = object.values.get(name) ?? undefined;
  if (value === undefined) return undefined;
  const text = checkString(object, name, value);
  return text === '' ? undefined : text;
}

export function requiredString(object: JsonObject, name: string): string {
  const value = optionalString(object, name);
  if (value === undefined) throw malformed(object, name, 'is missing');
  return value;
}

/** An absent map is empty. `Object.fromEntries` defines each key, so that `__proto__` is one like any other. */
export function stringMap(object: JsonObject, name: string): Readonly<Record<string, string>> {
  const entries = [...(optionalObject(object, name)?.values ?? [])];
  return Object.fromEntries(
    entries.map(([key, value]) => [key, checkString(object, `${name}.${shown(key)}`, value)] as const),
  );
}

export function requiredDigest(object: JsonObject, name: string): Digest {
  const text = requiredString(object, name);
  const digest = parseDigest(text);
  if (digest === undefined) throw malformed(object, name, `is no sha256 or sha512 digest: "${shown(text)}"`);
  return digest;
}

export function requiredSize(object: JsonObject, name: string): number {
  const value = object.values.get(name);
  if (value === undefined || value === null) throw malformed(object, name, 'is missing');
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw malformed(object, name, 'is no size in bytes');
  }
  return value;
}

/** Text from outside, fit for a message: short and without control characters. */
export function shown(text: string, maxLength = 100): string {
  const clean = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '?');
  return clean.length > maxLength ? `${clean.slice(0, maxLength)}…` : clean;
}

function list(object: JsonObject, name: string, maxLength: number): readonly unknown[] {
  const value = object.values.get(name) ?? undefined;
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw malformed(object, name, 'is not a list');
  if (value.length > maxLength) throw malformed(object, name, `has more than ${maxLength} members`);
  return value as readonly unknown[];
}

function checkString(object: JsonObject, name: string, value: unknown): string {
  if (typeof value !== 'string') throw malformed(object, name, 'is not a string');
  if (value.includes('\0')) throw malformed(object, name, 'contains a NUL character');
  return value;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
