// SPDX-License-Identifier: Apache-2.0
// The image gateway: a service that turns registry images into images a whole centre can run, and the client of it. The
// service's libraries are loaded when it is started, not by whoever asks it something.
import type { Clock } from '../sys/clock.ts';
import type { Migration } from './records/migrate.ts';
import type { RunningGateway, ServeOptions } from './serve.ts';

export * from './client/index.ts';
export type { Overview, OverviewImage, OverviewPull } from './api/overview.ts';

export async function serveGateway(options: ServeOptions): Promise<RunningGateway> {
  const { serve } = await import('./serve.ts');
  return await serve(options);
}

/** The process that makes one image; see work/worker.ts. */
export async function runGatewayWorker(input: AsyncIterable<Buffer>, write: (text: string) => void): Promise<number> {
  const { runWorker } = await import('./work/worker.ts');
  return await runWorker(input, write);
}

/** Copies all records of one database into another; see records/migrate.ts. */
export async function migrateGatewayRecords(
  from: string,
  to: string,
  options: { readonly databaseName: string; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Migration> {
  const { migrateRecords } = await import('./records/migrate.ts');
  return await migrateRecords(from, to, options);
}
