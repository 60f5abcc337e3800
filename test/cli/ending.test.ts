// SPDX-License-Identifier: Apache-2.0
// How `slipway` ends when it is told to, or when nobody listens.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { run } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { onEnd } from '../support/on-end.ts';
import { pushImage, registryCommands, startRegistry } from '../support/registry.ts';
import { createFace, makeLayout } from './face.ts';

suite('a pull that is ended', { skip: needs({ commands: registryCommands }) }, () => {
  let stalling: StallingProxy;
  before(async () => {
    const registry = await startRegistry();
    const layout = await makeLayout([{ random: randomBytes(2_000_000) }]);
    await pushImage({ layout, tag: '1' }, `${registry.address}/team/tool:1`);
    stalling = await startStallingProxy(registry.port);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`by ${signal} ends by it, silent, with nothing but the part for the next attempt left`, async () => {
      const face = createFace();
      const stalled = stalling.nextStall();
      const child = face.start('pull', '-q', `${stalling.address}/team/tool:1`);
      const said = Promise.all([textOf(child.stdout), textOf(child.stderr)]);
      const closed = once(child, 'close') as Promise<[number | null, string | null]>;
      // A child that fails before is found out below.
      await Promise.race([stalled, closed]);
      child.kill(signal);
      const [status, endedBy] = await closed;
      assert.deepEqual([status, endedBy, await said], [null, signal, ['', '']]);
      assert.deepEqual(namesBelow(face.store, 'tmp'), []);
      assert.deepEqual(namesBelow(face.store, 'images'), []);
      assert.match(namesBelow(face.store, 'blobs/sha256').join(), /^[0-9a-f]{64}\.part$/);

      stalling.release();
      const again = await face.run('pull', '--json', `${stalling.address}/team/tool:1`);
      stalling.hold();
      assert.equal(again.status, 0, again.stderr);
    });
  }
});

test('ends quietly with status 141 when the reader of its output goes', async () => {
  const face = createFace();
  const child = face.start('completion', 'bash');
  child.stdout?.destroy();
  const said = textOf(child.stderr);
  const [status] = (await once(child, 'close')) as [number | null];
  assert.deepEqual([status, await said], [141, '']);
});

test('says so when its output does not fit', async () => {
  const face = createFace();
  const { status, stderr } = await run(['sh', '-c', '"$@" > /dev/full', 'sh', ...face.argv('--help')], {
    env: face.environment,
  });
  assert.equal(status, 125);
  assert.match(stderr, /^slipway: write the output: no space is left \(ENOSPC\)/);
});

type StallingProxy = {
  readonly address: string;
  /** Resolves when the body of a layer has begun and stands still. */
  readonly nextStall: () => Promise<void>;
  readonly release: () => void;
  readonly hold: () => void;
};

/** Hands requests on to a registry, but of a layer only the first half. */
async function startStallingProxy(port: number): Promise<StallingProxy> {
  let isHolding = true;
  let tell: () => void = () => undefined;
  const server: Server = createServer((from, to) => {
    const onward = request({ port, host: '127.0.0.1', path: from.url, method: from.method, headers: from.headers });
    onward.on('response', (answer) => {
      to.writeHead(answer.statusCode ?? 500, answer.headers);
      if (!isHolding || Number(answer.headers['content-length']) < 1_000_000) {
        answer.pipe(to);
        return;
      }
      let passedBytes = 0;
      answer.on('data', (chunk: Buffer) => {
        if (passedBytes > 1_000_000) {
          answer.pause();
          tell();
          return;
        }
        passedBytes += chunk.length;
        to.write(chunk);
      });
    });
    onward.on('error', () => to.destroy());
    from.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    address: `127.0.0.1:${address.port}`,
    nextStall: () => new Promise((resolve) => (tell = resolve)),
    release: () => (isHolding = false),
    hold: () => (isHolding = true),
  };
}

function namesBelow(store: string, folder: string): readonly string[] {
  return readdirSync(join(store, folder)).filter((name) => !name.startsWith('.'));
}

async function textOf(stream: Readable | null): Promise<string> {
  return stream === null ? '' : await text(stream);
}
