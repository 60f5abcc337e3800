// SPDX-License-Identifier: Apache-2.0
// A real PostgreSQL server beside a test, with a cluster of its own on a loopback port. `postgresCommands` for needs().
import { chownSync, existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, runOk } from './command.ts';
import { onEnd } from './on-end.ts';
import { freePort, type Service, startService } from './service.ts';

export const postgresCommands: readonly string[] = ['pg_lsclusters', 'setpriv'];

export type Postgres = {
  /** A new empty database. */
  readonly createDatabase: () => Promise<string>;
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
  readonly restart: () => Promise<void>;
};

/** Starts a server, as the user postgres (it refuses root); it ends with the calling suite or test. */
export async function startPostgres(): Promise<Postgres> {
  const binaries = globSync('/usr/lib/postgresql/*/bin').sort().at(-1) ?? '';
  const [uid, gid] = (await runOk(['sh', '-c', 'id -u postgres; id -g postgres'])).trim().split('\n').map(Number);
  const directory = mkdtempSync('/tmp/slipway-pg-');
  onEnd(() => rmSync(directory, { recursive: true, force: true }));
  chownSync(directory, uid ?? 0, gid ?? 0);
  const asPostgres = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--'];
  const data = join(directory, 'data');
  const env = { PATH: '/usr/bin:/bin', HOME: directory, LC_ALL: 'C.UTF-8' };
  await runOk([...asPostgres, join(binaries, 'initdb'), '-D', data, '-U', 'slipway', '--auth=trust', '--no-sync'], {
    env,
    cwd: '/',
  });
  writeFileSync(
    join(data, 'postgresql.auto.conf'),
    "fsync = off\nlisten_addresses = '127.0.0.1'\nmax_connections = 60\n",
  );
  const port = await freePort();
  const psql = (sql: string): readonly string[] => {
    return [
      join(binaries, 'psql'),
      '-h',
      '127.0.0.1',
      '-p',
      String(port),
      '-U',
      'slipway',
      '-d',
      'postgres',
      '-qAtc',
      sql,
    ];
  };
  let service: Service | undefined;
  const start = async (): Promise<void> => {
    const argv = [...asPostgres, join(binaries, 'postgres'), '-D', data, '-p', String(port), '-k', directory];
    service = await startService(
      argv,
      async () => existsSync(join(data, 'postmaster.pid')) && (await run(psql('select 1'), { env })).status === 0,
      { env, cwd: '/' },
    );
  };
  await start();
  let count = 0;
  const stop = async (): Promise<void> => {
    if (service === undefined) return;
    // Fast shutdown: SIGTERM would wait for the clients to go (postgres(1)).
    process.kill(service.pid, 'SIGINT');
    await service.stop();
  };
  return {
    createDatabase: async () => {
      const name = `test${(count += 1)}`;
      await runOk(psql(`create database ${name}`), { env });
      return `postgresql://slipway@127.0.0.1:${port}/${name}`;
    },
    stop,
    start,
    restart: async () => {
      await stop();
      await start();
    },
  };
}
