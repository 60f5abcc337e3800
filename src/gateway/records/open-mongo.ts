// SPDX-License-Identifier: Apache-2.0
import { SlipwayError } from '../../model/index.ts';
import type { Records } from './types.ts';

export function openMongoRecords(uri: string, _databaseName: string): Promise<Records> {
  throw new SlipwayError('gateway-database-failed', { database: uri, reason: 'not yet' });
}
