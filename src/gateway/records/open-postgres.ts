// SPDX-License-Identifier: Apache-2.0
// Records in PostgreSQL, for a gateway of several processes or hosts. Leases go by the database's clock, which all of them
// share, whatever their own clocks say.
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool, type PoolConfig, types } from 'pg';
import { again, retrying } from './again.ts';
import type { Tables } from './schema.ts';
import { migrate, sqlRecords } from './sql-records.ts';
import type { Records } from './types.ts';

const connections = 10;
const timeoutMs = 10_000;
/** bigint, which pg gives as text unless told otherwise: here it holds uids and counts. */
const bigintOid = 20;

function parserFor(oid: number, format: string): unknown {
  const usual = types.getTypeParser as (oid: number, format: string) => unknown;
  return oid === bigintOid ? Number : usual(oid, format);
}

export async function openPostgresRecords(uri: string): Promise<Records> {
  const pool = new Pool({
    connectionString: uri,
    max: connections,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: 3 * timeoutMs,
    keepAlive: true,
    application_name: 'slipway-gateway',
    types: { getTypeParser: parserFor } as NonNullable<PoolConfig['types']>,
  });
  // A connection that breaks while nobody uses it is replaced when it is wanted.
  pool.on('error', () => undefined);
  // So is one that breaks between two statements of a transaction: the second statement tells.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  await again(isPassing, () => migrate(database));
  const records = sqlRecords({
    kind: 'postgresql',
    database,
    leaseClock: async (queries) => {
      const { rows } = await sql<{ now: number }>`select extract(epoch from clock_timestamp())::float8 as now`.execute(
        queries,
      );
      return rows[0]?.now ?? 0;
    },
    transact: (work) => database.transaction().execute(work),
  });
  return retrying(records, isPassing);
}

/** Serialization, deadlock, two who insert the same; the server going or coming (57P0x), too many connections. */
const passingCodes: ReadonlySet<string> = new Set([
  '40001',
  '40P01',
  '23505',
  '57P01',
  '57P02',
  '57P03',
  '53300',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
]);

function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  // pg gives no code where a connection breaks under a query. SQLSTATE class 08 is about connections.
  return (
    passingCodes.has(code) ||
    code.startsWith('08') ||
    /Connection terminated|connection timeout|has ended meanwhile|Client has encountered a connection error/i.test(
      error.message,
    )
  );
}
