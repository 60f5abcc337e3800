// SPDX-License-Identifier: Apache-2.0
// Downloads across processes that die, and onto disks that fill up.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { runOk } from '../support/command.ts';
import { sendBlob, sha256, startFakeServer } from '../support/fake-registry.ts';
import { needs } from '../support/needs.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const blob = randomBytes(5_000_000);
const child = resolve(import.meta.dirname, 'resume-child.ts');
const digest = sha256(blob);

test('what a killed process received is not received again', async () => {
  let isFirst = true;
  const server = await startFakeServer((request, response) => {
    if (!isFirst) return sendBlob(blob, request, response);
    isFirst = false;
    response.writeHead(200, { 'content-length': blob.length });
    response.write(blob.subarray(0, 3_500_000));
  });
  const path = join(temporaryDirectory(), 'blob');
  const argv = [child, server.address, digest, String(blob.length), path];
  const first = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  for await (const chunk of first.stdout as AsyncIterable<Buffer>) {
    said += chunk.toString();
    if (/received 3\d{6}\n/.test(said)) break;
  }
  first.kill('SIGKILL');
  await once(first, 'exit');
  const kept = statSync(`${path}.part`).size;
  assert.ok(kept >= 3_000_000, `${kept} bytes were kept`);

  await runOk([process.execPath, ...argv]);
  assert.deepEqual(readFileSync(path), blob);
  assert.equal(server.requests.length, 2);
  assert.equal(server.requests[1]?.headers['range'], `bytes=${kept}-${blob.length - 1}`);
});

test('two processes fetch a blob once', async () => {
  const server = await startFakeServer((request, response) => {
    setTimeout(() => sendBlob(blob, request, response), 200);
  });
  const path = join(temporaryDirectory(), 'blob');
  const argv = [process.execPath, child, server.address, digest, String(blob.length), path];
  await Promise.all([runOk(argv), runOk(argv), runOk(argv)]);
  assert.deepEqual(readFileSync(path), blob);
  assert.equal(server.requests.length, 1);
});

test('a full disk is reported as such', { skip: needs({ root: true }) }, async () => {
  const server = await startFakeServer((request, response) => sendBlob(blob, request, response));
  const directory = join(temporaryDirectory(), 'small');
  mkdirSync(directory);
  const path = join(directory, 'blob');
  // The mount is in a namespace of its own and goes with the last process in it.
  const script = 'mount -t tmpfs -o size=2m none "$1" && shift && exec "$@"';
  const argv = [process.execPath, child, server.address, digest, String(blob.length), path];
  await assert.rejects(
    runOk(['unshare', '--mount', 'sh', '-c', script, 'sh', directory, ...argv]),
    /disk-full[^]*blob\.part|blob\.part[^]*disk-full/,
  );
  assert.ok(!existsSync(path));
});
