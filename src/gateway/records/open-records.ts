// SPDX-License-Identifier: Apache-2.0
import { dirname } from 'node:path';
import { describeError, SlipwayError } from '../../model/index.ts';
import type { Clock } from '../../sys/clock.ts';
import { ensureDirectory } from '../../sys/files.ts';
import type { Records } from './types.ts';

/**
 * Opens the records at `sqlite:PATH`, `postgresql://…` or `mongodb://…`, and brings their form up to date. Drivers are
 * loaded when they are asked for.
 * @throws SlipwayError `gateway-database-failed`
 */
export async function openRecords(uri: string, databaseName: string, clock: Clock): Promise<Records> {
  try {
    if (uri.startsWith('sqlite:')) {
      const path = uri.slice('sqlite:'.length);
      await ensureDirectory(dirname(path), { mode: 0o700 });
      const { openSqliteRecords } = await import('./open-sqlite.ts');
      return await openSqliteRecords(path, clock);
    }
    if (/^postgres(?:ql)?:\/\//.test(uri)) {
      const { openPostgresRecords } = await import('./open-postgres.ts');
      return await openPostgresRecords(uri);
    }
    const { openMongoRecords } = await import('./open-mongo.ts');
    return await openMongoRecords(uri, databaseName);
  } catch (error) {
    if (error instanceof SlipwayError) throw error;
    throw new SlipwayError(
      'gateway-database-failed',
      { database: uri, reason: describeError(error) },
      { cause: error },
    );
  }
}
