// SPDX-License-Identifier: Apache-2.0
// Reading a configuration file in JSON, member by member: what is not of the right kind is refused with its path.

export type Refuse = (reason: string) => never;

export type CheckedObject = {
  readonly names: readonly string[];
  readonly has: (name: string) => boolean;
  readonly string: (name: string) => string | undefined;
  readonly boolean: (name: string) => boolean | undefined;
  readonly integer: (name: string) => number | undefined;
  readonly object: (name: string) => CheckedObject | undefined;
  readonly strings: (name: string) => readonly string[] | undefined;
  readonly objects: (name: string) => readonly CheckedObject[] | undefined;
  readonly map: (name: string) => ReadonlyMap<string, string> | undefined;
  /** Refuses with the path of a member of this object. */
  readonly refuse: (name: string, reason: string) => never;
};

const maxMembers = 10_000;

/** A document that is one object. */
export function parseChecked(text: string, refuse: Refuse): CheckedObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse(`it is not JSON: ${error instanceof Error ? error.message : ''}`);
  }
  return isRecord(value) ? checked(value, '', refuse) : refuse('it is no JSON object');
}

function checked(value: Readonly<Record<string, unknown>>, path: string, refuse: Refuse): CheckedObject {
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const read = <Kind>(name: string, is: (member: unknown) => member is Kind, what: string): Kind | undefined => {
    const member = Object.hasOwn(value, name) ? value[name] : undefined;
    if (member === undefined || is(member)) return member;
    return refuse(`${at(name)} is no ${what}`);
  };
  const list = (name: string): readonly unknown[] | undefined => {
    const members = read(name, (member): member is readonly unknown[] => Array.isArray(member), 'list');
    return (members?.length ?? 0) > maxMembers ? refuse(`${at(name)} is too long`) : members;
  };
  return {
    names: Object.keys(value),
    has: (name) => Object.hasOwn(value, name),
    string: (name) => read(name, isText, 'text'),
    boolean: (name) => read(name, (member) => typeof member === 'boolean', 'true or false'),
    integer: (name) => read(name, (member): member is number => Number.isSafeInteger(member), 'whole number'),
    object: (name) => {
      const member = read(name, isRecord, 'object');
      return member === undefined ? undefined : checked(member, at(name), refuse);
    },
    strings: (name) =>
      list(name)?.map((member, index) => (isText(member) ? member : refuse(`${at(name)}[${index}] is no text`))),
    objects: (name) =>
      list(name)?.map((member, index) =>
        isRecord(member)
          ? checked(member, `${at(name)}[${index}]`, refuse)
          : refuse(`${at(name)}[${index}] is no object`),
      ),
    map: (name) => {
      const member = read(name, isRecord, 'object');
      if (member === undefined) return undefined;
      return new Map(
        Object.entries(member).map(([key, text]) => [
          key,
          isText(text) ? text : refuse(`${at(name)}.${key} is no text`),
        ]),
      );
    },
    refuse: (name, reason) => refuse(`${at(name)} ${reason}`),
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
