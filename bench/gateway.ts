// SPDX-License-Identifier: Apache-2.0
// The image gateway under load: lookups with a munge credential each, with 10,000 images and 200,000 tags in SQLite, while
// an image is converted; lists; and 1,000 pulls of one image at once. Gateway, munged, clients and conversion share the
// machine: `taskset -c 0,1` gives them two cores.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { spawn } from 'node:child_process';
import { Pool } from 'undici';
import { openSqliteRecords } from '../src/gateway/records/open-sqlite.ts';
import { systemClock } from '../src/sys/clock.ts';
import { mungeEncode } from '../src/sys/munge-socket.ts';
import { runOk } from '../test/support/command.ts';
import { realImage } from '../test/support/images.ts';
import { findOnPath } from '../test/support/needs.ts';
import { freePort } from '../test/support/service.ts';

const usage = `usage: bench/gateway [--lookups N] [--clients N] [--images N] [--check]
  --lookups N   lookups in each measurement (20000)
  --clients N   connections at once (256)
  --images N    images in the database, with 20 tags each (10000)
  --rate N      lookups a second in the measurements of latency (2000); beside lists half of it, and a hundredth of lists
  --check       exit status 1 when a budget is exceeded
Needs root (munged) and: docker-registry, skopeo, munged.
`;
const budget = { lookupsPerSecond: 2000, p99Ms: 50 };
const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    lookups: { type: 'string', default: '20000' },
    clients: { type: 'string', default: '256' },
    images: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '2000' },
    check: { type: 'boolean', default: false },
  },
});
const [lookups, clients, images] = [options.lookups, options.clients, options.images].map(Number);
if (options.help || !(Number(lookups) > 0 && Number(clients) > 0 && Number(images) > 0)) {
  process[options.help ? 'stdout' : 'stderr'].write(usage);
  process.exit(options.help ? 0 : 2);
}

const rate = Number(options.rate);
const root = resolve(import.meta.dirname, '..');
const work = mkdtempSync('/tmp/slipway-bench-gateway-');
const children: { readonly pid: number | undefined; readonly ended: Promise<unknown> }[] = [];
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const faults: string[] = [];
try {
  const socket = await startMunged();
  const [registryPort, port] = [await freePort(), await freePort()];
  await startRegistry(registryPort);
  await seed(Number(images));
  await startGateway({ port, registryPort, socket });
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: Number(clients), pipelining: 1 });
  const credentials = (count: number): Promise<string[]> => mint(socket, count);
  const lookup = (index: number): string => `/api/lookup/bench/docker/app${index % Number(images)}%3Av${index % 20}/`;

  const count = Number(lookups);
  const warm = await credentials(2000);
  await measure(pool, 2000, { pathOf: lookup, credentials: warm });
  report(
    'lookups as fast as they go',
    await measure(pool, count, { pathOf: lookup, credentials: await credentials(count) }),
    undefined,
  );
  const paced = { pathOf: lookup, rate };
  report(`${rate} lookups/s`, await measure(pool, count, { ...paced, credentials: await credentials(count) }), budget);
  const pulled = pullUntilReady(pool, socket, '/api/pull/bench/docker/python%3A1/');
  await delay(1500);
  const beside = await credentials(count);
  report(
    `${rate} lookups/s while an image is converted`,
    await measure(pool, count, { ...paced, credentials: beside }),
    budget,
  );
  await pulled;
  const list = { pathOf: (): string => '/api/list/bench/', atOnce: 4 };
  report(
    'lists of all images as fast as they go',
    await measure(pool, 200, { ...list, credentials: await credentials(200) }),
    undefined,
  );
  const [few, some] = [await credentials(count / 2), await credentials(count / 100)];
  const [lookupsBeside, lists] = await Promise.all([
    measure(pool, count / 2, { pathOf: lookup, rate: rate / 2, credentials: few }),
    measure(pool, count / 100, { ...list, rate: rate / 100, credentials: some }),
  ]);
  report(`${rate / 100} lists/s of all images beside lookups`, lists, {
    lookupsPerSecond: rate / 100,
    p99Ms: budget.p99Ms,
  });
  report(`${rate / 2} lookups/s beside these`, lookupsBeside, { lookupsPerSecond: rate / 2, p99Ms: budget.p99Ms });

  const many = await Promise.all(
    (await credentials(1000)).map((authentication) =>
      ask(pool, '/api/pull/bench/docker/busybox%3A1/', authentication, 'POST'),
    ),
  );
  await pullUntilReady(pool, socket, '/api/pull/bench/docker/busybox%3A1/');
  const text = (await ask(pool, '/metrics', '')).text();
  const done = /slipway_gateway_jobs_total\{job="pull",result="done"\} (\d+)/.exec(text)?.[1];
  print(
    `1,000 pulls of one image at once: ${many.filter(({ status }) => status === 200).length} accepted; conversions in all (with the one above): ${done}`,
  );
  if (done !== '2') faults.push(`1,000 pulls made ${Number(done) - 1} conversions`);
  await pool.close();
} finally {
  for (const { pid } of children.reverse()) if (pid !== undefined) process.kill(pid, 'SIGTERM');
  await Promise.all(children.map(({ ended }) => ended));
}
for (const fault of faults) print(`over budget: ${fault}`);
process.exitCode = options.check && faults.length > 0 ? 1 : 0;

type Measured = { readonly perSecond: number; readonly p50Ms: number; readonly p99Ms: number; readonly failed: number };

type Load = {
  readonly pathOf: (index: number) => string;
  readonly credentials: readonly string[];
  readonly atOnce?: number;
  /** Requests a second, spread over the clients; as fast as they go unless given. */
  readonly rate?: number;
};

/** With a rate, a request's time counts from when it was due, not from when its client came to send it. */
async function measure(pool: Pool, count: number, load: Load): Promise<Measured> {
  const { pathOf, credentials, rate, atOnce = Number(clients) } = load;
  const times = new Float64Array(count);
  let next = 0;
  let failed = 0;
  const start = performance.now();
  const client = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      const due = rate === undefined ? performance.now() : start + (index / rate) * 1000;
      const early = due - performance.now();
      if (early > 1) await delay(early);
      const { status } = await ask(pool, pathOf(index), credentials[index] ?? '');
      times[index] = performance.now() - due;
      if (status !== 200) failed += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  const seconds = (performance.now() - start) / 1000;
  times.sort();
  const at = (share: number): number => times[Math.floor(count * share)] ?? 0;
  return { perSecond: count / seconds, p50Ms: at(0.5), p99Ms: at(0.99), failed };
}

async function ask(
  pool: Pool,
  path: string,
  authentication: string,
  method: 'GET' | 'POST' = 'GET',
): Promise<{ status: number; text: () => string }> {
  const { statusCode, body } = await pool.request({
    path,
    method,
    headers: authentication === '' ? {} : { authentication },
  });
  const chunks: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
  // The megabytes of a list are received and not made into text: that would be the client's work, not the service's.
  return { status: statusCode, text: () => Buffer.concat(chunks).toString('utf8') };
}

function report(name: string, { perSecond, p50Ms, p99Ms, failed }: Measured, limit: typeof budget | undefined): void {
  print(
    `${name}: ${perSecond.toFixed(0)}/s, median ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms${failed > 0 ? `, ${failed} FAILED` : ''}`,
  );
  if (failed > 0) faults.push(`${name}: ${failed} failed`);
  if (limit === undefined) return;
  // The last answers come a little after the last request was due.
  if (perSecond < limit.lookupsPerSecond * 0.98) faults.push(`${name}: fewer than ${limit.lookupsPerSecond}/s`);
  if (p99Ms > limit.p99Ms) faults.push(`${name}: p99 over ${limit.p99Ms} ms`);
}

async function mint(socketPath: string, count: number): Promise<string[]> {
  const signal = new AbortController().signal;
  const made: string[] = [];
  for (let at = 0; at < count; at += 500) {
    const batch = Array.from({ length: Math.min(500, count - at) }, () => mungeEncode('', { socketPath, signal }));
    made.push(...(await Promise.all(batch)));
  }
  return made;
}

async function pullUntilReady(pool: Pool, socket: string, path: string): Promise<void> {
  for (;;) {
    const [credential = ''] = await mint(socket, 1);
    const text = (await ask(pool, path, credential, 'POST')).text();
    if (text.includes('"READY"')) return;
    if (!/INIT|PENDING|PULLING|CONVERSION|TRANSFER/.test(text)) throw new Error(text);
    await delay(100);
  }
}

/** Straight into the tables: through the service's own door each image would be a transaction of its own. */
async function seed(count: number): Promise<void> {
  mkdirSync(join(work, 'cache'), { recursive: true });
  const path = join(work, 'cache/gateway.sqlite');
  await (await openSqliteRecords(path, systemClock)).close();
  const database = new DatabaseSync(path);
  database.exec('begin');
  const image = database.prepare(
    `insert into images (key, system, itype, pull_tag, tags, image_id, status, status_message, format, user_acl, group_acl,
       is_private, facts, last_pull, requester_uid, requester, attempts, queued, ready)
     values (?, 'bench', 'docker', ?, ?, ?, 'READY', 'Transferring image', 'squashfs', '[]', '[]', 0, ?, ?, 0, 'root', 1, 0, ?)`,
  );
  const tag = database.prepare(
    `insert into tags (system, itype, tag, image_key, owner_uid) values ('bench', 'docker', ?, ?, 0)`,
  );
  const env = ['PATH=/usr/local/bin:/usr/bin:/bin', 'LANG=C.UTF-8', 'PYTHON_VERSION=3.12.1', 'HOME=/root'];
  for (let index = 0; index < count; index += 1) {
    const id = index.toString(16).padStart(64, '0');
    const tags = Array.from({ length: 20 }, (_, version) => `app${index}:v${version}`);
    const facts = JSON.stringify({
      id,
      env,
      entry: ['/entrypoint.sh'],
      cmd: ['bash'],
      workdir: '/app',
      labels: {},
      sizeBytes: 1e9,
    });
    image.run(`k${index}`, tags[0] ?? '', JSON.stringify(tags), id, facts, Date.now() / 1000, `bench docker ${id}`);
    for (const each of tags) tag.run(each, `k${index}`);
  }
  database.exec('commit');
  database.close();
  print(`${count} images with ${count * 20} tags`);
}

async function startMunged(): Promise<string> {
  const state = join(work, 'munge');
  mkdirSync(state, { mode: 0o700 });
  writeFileSync(join(state, 'key'), randomBytes(1024), { mode: 0o600 });
  const socket = join(state, 'socket');
  const path = (name: string): string => `--${name}-file=${join(state, name)}`;
  start([
    findOnPath('munged') ?? 'munged',
    '--foreground',
    '--force',
    `--socket=${socket}`,
    path('key'),
    path('pid'),
    path('log'),
    path('seed'),
  ]);
  await until(async () => (await mint(socket, 1)).length === 1);
  return socket;
}

async function startRegistry(port: number): Promise<void> {
  const config = join(work, 'registry.json');
  const storage = { filesystem: { rootdirectory: join(work, 'registry') } };
  writeFileSync(
    config,
    JSON.stringify({ version: 0.1, log: { level: 'error' }, storage, http: { addr: `127.0.0.1:${port}` } }),
  );
  start(['docker-registry', 'serve', config]);
  await until(async () => (await fetch(`http://127.0.0.1:${port}/v2/`)).status === 200);
  for (const [name, image] of [
    ['python', 'debian-python'],
    ['busybox', 'busybox'],
  ] as const) {
    const target = `docker://127.0.0.1:${port}/${name}:1`;
    await runOk([
      'skopeo',
      '--insecure-policy',
      'copy',
      '-q',
      '--dest-tls-verify=false',
      `oci:${await realImage(image)}:latest`,
      target,
    ]);
  }
}

async function startGateway({
  port,
  registryPort,
  socket,
}: {
  port: number;
  registryPort: number;
  socket: string;
}): Promise<void> {
  const config = join(work, 'imagemanager.json');
  const location = `127.0.0.1:${registryPort}`;
  writeFileSync(
    config,
    JSON.stringify({
      LogLevel: 'warn',
      DefaultImageLocation: location,
      CacheDirectory: join(work, 'cache'),
      ImageExpirationTimeout: '90:00:00:00',
      Listen: `127.0.0.1:${port}`,
      Limits: { requestsPerMinute: 100_000_000, pullsPerUser: 2000 },
      Locations: { [location]: { remotetype: 'dockerv2' } },
      Platforms: {
        bench: {
          mungeSocketPath: socket,
          accesstype: 'local',
          admins: ['root'],
          local: { imageDir: join(work, 'images') },
        },
      },
    }),
  );
  start([join(root, 'bin/slipway'), 'gateway', 'serve', `--config=${config}`]);
  await until(async () => (await fetch(`http://127.0.0.1:${port}/ready`)).status === 200);
}

function start(argv: readonly string[]): void {
  const [file = '', ...words] = argv;
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: work, XDG_RUNTIME_DIR: work };
  const child = spawn(file, words, { stdio: 'ignore', env });
  children.push({ pid: child.pid, ended: new Promise((end) => child.once('exit', end)) });
}

async function until(isReady: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await isReady().catch(() => false)) return;
    await delay(50);
  }
  throw new Error('a service did not start');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
