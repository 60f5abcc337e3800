// SPDX-License-Identifier: Apache-2.0
// The few operators of MongoDB that the records use, in memory, by MongoDB's manual: what the contract is checked on where
// no server can be had. It shows that the adapter's steps are right, not that a server takes them.
import type { Filter, MongoCollection, MongoDatabase } from '../mongo-records.ts';

type Stored = Record<string, unknown> & { _id: unknown };
class Duplicate extends Error {}

export function memoryMongo(): MongoDatabase {
  const collections = new Map<string, MongoCollection>();
  return {
    collection: (name) => {
      const known = collections.get(name) ?? memoryCollection();
      collections.set(name, known);
      return known;
    },
    idOf: (key) => key,
    leaseClock: () => Promise.resolve(Date.now() / 1000),
    isDuplicate: (error) => error instanceof Duplicate,
    close: () => Promise.resolve(),
  };
}

function memoryCollection(): MongoCollection {
  const stored: Stored[] = [];
  const unique: string[] = ['_id'];
  const matching = (filter: Filter, sort: Readonly<Record<string, 1 | -1>> = {}): Stored[] => {
    const found = stored.filter((document) => matches(document, filter));
    for (const [field, direction] of Object.entries(sort)) {
      found.sort((left, right) => (Number(left[field] ?? 0) - Number(right[field] ?? 0)) * direction);
    }
    return found;
  };
  const checkUnique = (document: Stored): void => {
    for (const field of unique) {
      const value = document[field];
      if (typeof value !== 'string') continue;
      if (stored.some((other) => other !== document && other[field] === value)) throw new Duplicate(field);
    }
  };
  const change = (document: Stored, update: Filter): void => {
    const changed = structuredClone(document);
    apply(changed, update);
    checkUniqueOf(document, changed);
    Object.assign(document, changed);
  };
  const checkUniqueOf = (document: Stored, changed: Stored): void => {
    const at = stored.indexOf(document);
    stored[at] = changed;
    try {
      checkUnique(changed);
    } finally {
      stored[at] = document;
    }
  };
  const insert = (document: Filter): void => {
    const copy = structuredClone({ _id: Symbol.iterator.toString() + stored.length, ...document }) as Stored;
    checkUnique(copy);
    stored.push(copy);
  };
  const soon = <Value>(make: () => Value): Promise<Value> => new Promise((resolve) => setImmediate(resolve)).then(make);
  return {
    find: (filter, options = {}) => ({
      toArray: () => soon(() => structuredClone(matching(filter, options.sort).slice(0, options.limit))),
    }),
    findOne: (filter) => soon(() => structuredClone(matching(filter)[0] ?? null)),
    insertOne: (document) => soon(() => insert(document)),
    insertMany: (documents) => soon(() => documents.forEach(insert)),
    updateOne: (filter, update, options = {}) =>
      soon(() => {
        const [found] = matching(filter);
        if (found !== undefined) change(found, update);
        else if (options.upsert === true) {
          insert(filter);
          const added = stored.at(-1) as Stored;
          apply(added, {
            ...update,
            $set: { ...(update['$set'] as object | undefined), ...(update['$setOnInsert'] as object | undefined) },
          });
        }
        return { matchedCount: found === undefined ? 0 : 1 };
      }),
    updateMany: (filter, update) =>
      soon(() => {
        const found = matching(filter);
        for (const document of found) change(document, update);
        return { matchedCount: found.length };
      }),
    findOneAndUpdate: (filter, update, options) =>
      soon(() => {
        const [found] = matching(filter, options.sort);
        if (found === undefined) return null;
        change(found, update);
        return structuredClone(found);
      }),
    deleteMany: (filter) =>
      soon(() => {
        const found = matching(filter);
        for (const document of found) stored.splice(stored.indexOf(document), 1);
        return { deletedCount: found.length };
      }),
    createIndex: (keys, options) =>
      soon(() => {
        if (options['unique'] === true) unique.push(...Object.keys(keys));
      }),
  };
}

function matches(document: Stored, filter: Filter): boolean {
  return Object.entries(filter).every(([field, wanted]) =>
    field === '$or'
      ? (wanted as readonly Filter[]).some((each) => matches(document, each))
      : holds(document[field], wanted),
  );
}

function holds(value: unknown, wanted: unknown): boolean {
  if (typeof wanted === 'object' && wanted !== null && !Array.isArray(wanted)) {
    return Object.entries(wanted).every(([operator, operand]) => compares(value, operator, operand));
  }
  if (wanted === null) return value === null || value === undefined;
  if (Array.isArray(wanted)) return JSON.stringify(value) === JSON.stringify(wanted);
  return value === wanted || (Array.isArray(value) && value.includes(wanted));
}

function compares(value: unknown, operator: string, operand: unknown): boolean {
  switch (operator) {
    case '$in':
      return (operand as readonly unknown[]).some((each) => holds(value, each));
    case '$nin':
      return !(operand as readonly unknown[]).some((each) => holds(value, each));
    case '$ne':
      return !holds(value, operand);
    case '$lt':
      return typeof value === 'number' && value < (operand as number);
    case '$gt':
      return typeof value === 'number' && value > (operand as number);
    default:
      throw new Error(`the memory knows no ${operator}`);
  }
}

function apply(document: Stored, update: Filter): void {
  for (const [operator, fields] of Object.entries(update)) {
    for (const [field, operand] of Object.entries(fields as Filter)) {
      const held = document[field];
      if (operator === '$set') document[field] = structuredClone(operand);
      else if (operator === '$inc') document[field] = Number(held ?? 0) + Number(operand);
      else if (operator === '$addToSet') {
        const list = (held as unknown[] | undefined) ?? [];
        if (!list.some((each) => JSON.stringify(each) === JSON.stringify(operand)))
          document[field] = [...list, operand];
      } else if (operator === '$pull') {
        const isGone = (each: unknown): boolean =>
          typeof operand === 'object' ? matches(each as Stored, operand as Filter) : each === operand;
        if (Array.isArray(held)) document[field] = held.filter((each) => !isGone(each));
      } else if (operator !== '$setOnInsert') throw new Error(`the memory knows no ${operator}`);
    }
  }
}
