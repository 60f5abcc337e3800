// SPDX-License-Identifier: Apache-2.0
// Reads JSON that another program may have written or damaged: each field is checked for its type, and what is wrong
// is said by name. Fields that nobody asks for are ignored, so that a later version may add some.

export type Fields = Readonly<Record<string, unknown>>;

/** What a record lacks, worded to follow "read PATH: ". */
export class RecordFault extends Error {}

export function parseFields(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RecordFault('it is no JSON', { cause: error });
  }
  return asFields(value, 'it');
}

export function objectField(fields: Fields, name: string): Fields {
  return asFields(fields[name], name);
}

export function stringField(fields: Fields, name: string): string {
  return asString(fields[name], name);
}

export function optionalString(fields: Fields, name: string): string | undefined {
  return fields[name] === undefined ? undefined : asString(fields[name], name);
}

export function stringList(fields: Fields, name: string): readonly string[] {
  return list(fields, name).map((item) => asString(item, name));
}

export function objectList(fields: Fields, name: string): readonly Fields[] {
  return list(fields, name).map((item) => asFields(item, name));
}

export function stringMap(fields: Fields, name: string): Readonly<Record<string, string>> {
  const entries = Object.entries(objectField(fields, name));
  return Object.fromEntries(entries.map(([key, value]) => [key, asString(value, name)]));
}

/** A whole number from 0 on. */
export function countField(fields: Fields, name: string): number {
  return asCount(fields[name], name);
}

export function countList(fields: Fields, name: string): readonly number[] {
  return list(fields, name).map((item) => asCount(item, name));
}

function asCount(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new RecordFault(`${name} is no count`);
  return value;
}

function list(fields: Fields, name: string): readonly unknown[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw new RecordFault(`${name} is no list`);
  return value as readonly unknown[];
}

function asFields(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RecordFault(`${name} is no object`);
  return value as Fields;
}

function asString(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new RecordFault(`${name} is no string`);
  return value;
}
