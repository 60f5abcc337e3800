// SPDX-License-Identifier: Apache-2.0
// SQLite files by Node's own module, in the form that Kysely's SQLite dialect takes a database.
import { chmodSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { attemptingSync } from './file-errors.ts';

export type SqliteStatement = {
  readonly reader: boolean;
  readonly all: (parameters: readonly unknown[]) => unknown[];
  readonly run: (parameters: readonly unknown[]) => {
    readonly changes: number | bigint;
    readonly lastInsertRowid: number | bigint;
  };
  readonly iterate: (parameters: readonly unknown[]) => IterableIterator<unknown>;
};

export type SqliteDatabase = {
  readonly prepare: (sql: string) => SqliteStatement;
  readonly close: () => void;
};

const keptStatements = 200;

/**
 * Opens a database file for this user alone (mode 0600), or makes it. A transaction that was reported as done is on the
 * disk. As this waits without letting anything else run, it waits only 50 ms for another writer: the caller tries again.
 * @throws SlipwayError `file-operation-failed` and its like; Error from SQLite for what is no database.
 */
export function openSqlite(path: string): SqliteDatabase {
  const database = attemptingSync('open the database', path, () => {
    const opened = new DatabaseSync(path, { timeout: 50 });
    chmodSync(path, 0o600);
    return opened;
  });
  // WAL: readers and the writer don't wait for each other. FULL: a commit is flushed (sqlite.org/pragma.html).
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
  const kept = new Map<string, SqliteStatement>();
  return {
    prepare: (sql) => {
      const known = kept.get(sql);
      if (known !== undefined) return known;
      const statement = wrap(database.prepare(sql));
      if (kept.size >= keptStatements) kept.clear();
      kept.set(sql, statement);
      return statement;
    },
    close: () => database.close(),
  };
}

function wrap(statement: StatementSync): SqliteStatement {
  const values = (parameters: readonly unknown[]): SQLInputValue[] => [...parameters] as SQLInputValue[];
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  };
}
