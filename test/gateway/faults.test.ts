// SPDX-License-Identifier: Apache-2.0
// What may happen to a gateway at any moment: it is killed, the disk is full, the registry is down, one of two dies.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeLayout } from '../cli/face.ts';
import { run, runOk } from '../support/command.ts';
import { fakeImage, serveImage, startFakeServer } from '../support/fake-registry.ts';
import { mungeCommands, startMunge } from '../support/munge.ts';
import { needs } from '../support/needs.ts';
import { onEnd } from '../support/on-end.ts';
import { postgresCommands, startPostgres } from '../support/postgres.ts';
import { pushImage, type Registry, registryCommands, startRegistry } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { startGateway, type TestGateway } from './gateway.ts';

const faketime = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';
const skip = needs({
  commands: [...registryCommands, ...mungeCommands, ...postgresCommands, faketime, 'unsquashfs', 'mount', 'ps'],
  root: true,
});
const dockerv2 = { remotetype: 'dockerv2' };

type Answer = {
  readonly status: string;
  readonly status_message: string;
  readonly id: string;
  readonly tag: readonly string[];
};

async function poll(gateway: TestGateway, tag: string): Promise<Answer> {
  const path = `/api/pull/${gateway.system}/docker/${encodeURIComponent(tag)}/`;
  const { text } = await gateway.fetch(path, { method: 'POST' });
  return JSON.parse(text) as Answer;
}

async function untilOver(gateway: TestGateway, tag: string): Promise<Answer> {
  for (let tries = 0; tries < 6000; tries += 1) {
    const answer = await poll(gateway, tag);
    if (answer.status === 'READY' || answer.status === 'FAILURE') return answer;
    await delay(50);
  }
  throw new Error(`the pull of ${tag} does not end`);
}

/** Waits for a line of the log. */
async function untilLogged(
  gateway: TestGateway,
  isIt: (line: Readonly<Record<string, unknown>>) => boolean,
): Promise<void> {
  for (let tries = 0; !gateway.log().some(isIt); tries += 1) {
    if (tries > 6000) throw new Error(`the gateway has not logged ${isIt.toString()}`);
    await delay(20);
  }
}

async function imagesOf(gateway: TestGateway): Promise<readonly Answer[]> {
  const { text } = await gateway.fetch(`/api/list/${gateway.system}/`);
  return (JSON.parse(text) as { list: readonly Answer[] }).list;
}

/** Images that differ in all their bytes: each is a conversion of its own. */
async function pushMany(registry: Registry, count: number): Promise<readonly string[]> {
  const names: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const layout = await makeLayout([{ [`data-${index}`]: randomBytes(400_000), 'etc/x': 'x' }]);
    await pushImage({ layout, tag: '1' }, `${registry.address}/app${index}:1`);
    names.push(`app${index}:1`);
  }
  return names;
}

async function assertWhole(gateway: TestGateway, count: number, left: readonly object[] = []): Promise<void> {
  const images = await imagesOf(gateway);
  assert.equal(images.length, count);
  assert.equal(new Set(images.map(({ id }) => id)).size, count);
  for (const { tag } of images) assert.equal(tag.length, 1);
  const expected = images.flatMap(({ id }) => [`${id}.meta`, `${id}.squashfs`]).sort();
  assert.deepEqual(readdirSync(gateway.imageDirectory).sort(), expected);
  for (const { id } of images) {
    await runOk([
      'unsquashfs',
      '-q',
      '-n',
      '-d',
      join(gateway.directory, `check-${id}`),
      join(gateway.imageDirectory, `${id}.squashfs`),
    ]);
  }
  const queue = await gateway.fetch(`/api/queue/${gateway.system}/`);
  assert.deepEqual(JSON.parse(queue.text), { list: left });
}

describe('faults', { skip }, () => {
  let registry: Registry;
  before(async () => {
    registry = await startRegistry();
  });

  test('killed at twenty random moments of pulls: nothing lost, doubled, half or stuck', async () => {
    const names = await pushMany(registry, 20);
    const gateway = await startGateway({ locations: { [registry.address]: dockerv2 } });
    for (const [index, name] of names.entries()) {
      await poll(gateway, name);
      await delay(Math.random() * 500);
      // With its workers, and alone: those notice that nobody hears them any more.
      process.kill(index % 2 === 0 ? gateway.service().pid : -gateway.service().pid, 'SIGKILL');
      await gateway.service().stop();
      await gateway.start();
      assert.equal((await untilOver(gateway, name)).status, 'READY');
    }
    await assertWhole(gateway, names.length);
  });

  test('a full disk during conversion fails the pull with its reason, and nothing else', async () => {
    const small = mkdtempSync('/tmp/slipway-small-');
    await runOk(['mount', '-t', 'tmpfs', '-o', 'size=600k', 'tmpfs', small]);
    onEnd(async () => {
      await runOk(['umount', '--lazy', small]);
      rmdirSync(small);
    });
    const layout = await makeLayout([{ big: randomBytes(900_000) }]);
    for (const tag of ['1', '2']) await pushImage({ layout, tag: '1' }, `${registry.address}/big:${tag}`);
    const gateway = await startGateway({
      locations: { [registry.address]: dockerv2 },
      config: {
        CacheDirectory: small,
        DatabaseURI: `sqlite:${temporaryDirectory()}/records.sqlite`,
      },
    });
    const failed = await untilOver(gateway, 'big:1');
    assert.equal(failed.status, 'FAILURE');
    assert.match(failed.status_message, /space|free/);
    assert.deepEqual(readdirSync(gateway.imageDirectory), []);
    assert.equal((await gateway.fetch('/health')).status, 200);
    await runOk(['mount', '-o', 'remount,size=20m', small]);
    // The failure is kept for a while; the same image by another name is made.
    assert.equal((await untilOver(gateway, 'big:2')).status, 'READY');
    await assertWhole(gateway, 1, [{ status: 'FAILURE', image: 'big:1' }]);
  });

  test('a registry that is down fails new pulls; what is there stays', async () => {
    const own = await startRegistry();
    const [name = ''] = await pushMany(own, 1);
    const gateway = await startGateway({ locations: { [own.address]: dockerv2 } });
    assert.equal((await untilOver(gateway, name)).status, 'READY');
    await own.stop();
    const failed = await untilOver(gateway, 'other:1');
    assert.equal(failed.status, 'FAILURE');
    assert.match(failed.status_message, /^reach 127\.0\.0\.1:\d+: the connection was refused/);
    assert.equal((await gateway.fetch(`/api/lookup/testsys/docker/${encodeURIComponent(name)}/`)).status, 200);
  });

  test('two gateways on one database: one conversion, and the work of one that dies is taken over', async () => {
    const postgres = await startPostgres();
    const DatabaseURI = await postgres.createDatabase();
    const layer = randomBytes(300_000);
    const image = fakeImage([layer]);
    let isSlow = true;
    const asked: string[] = [];
    const serve = serveImage({ documents: { 1: image.manifest }, blobs: image.blobs });
    const slow = await startFakeServer(async (request, response) => {
      if (request.url.includes('/blobs/')) asked.push(request.url);
      const isLayer = request.url.endsWith([...image.blobs.keys()][1] ?? 'none');
      // The first to ask for the layer gets half of it and waits for the rest.
      if (!isLayer || !isSlow) return await serve(request, response);
      isSlow = false;
      response.writeHead(200, { 'content-length': layer.length });
      response.write(layer.subarray(0, 1000));
      return true;
    });
    const munge = await startMunge();
    const images = join(temporaryDirectory(), 'images');
    mkdirSync(images);
    const options = {
      munge,
      locations: { [slow.address]: dockerv2, [registry.address]: dockerv2 },
      config: { DatabaseURI },
      platform: { local: { imageDir: images } },
    };
    const [one, two] = [await startGateway(options), await startGateway(options)];

    // The fake image is no archive: what counts is who works on it.
    const started = await poll(one, 'app:1');
    assert.equal(started.status, 'INIT');
    while (asked.length < 2) await delay(20);
    const hasBegun = (gateway: TestGateway): boolean => gateway.log().some(({ msg }) => msg === 'job begun');
    while (!hasBegun(one) && !hasBegun(two)) await delay(20);
    const owner = hasBegun(one) ? one : two;
    const other = owner === one ? two : one;
    process.kill(owner.service().pid, 'SIGKILL');
    await owner.service().stop();
    const over = await untilOver(other, 'app:1');
    assert.equal(over.status, 'FAILURE');
    assert.match(over.status_message, /^unpack sha256:/);
    await untilLogged(other, ({ msg, attempt }) => msg === 'job begun' && attempt === 2);
    await owner.start();

    const [name = ''] = await pushMany(registry, 1);
    const tag = `${registry.address}/${name}`;
    await Promise.all(Array.from({ length: 30 }, (_, index) => poll(index % 2 === 0 ? one : two, tag)));
    assert.equal((await untilOver(one, tag)).status, 'READY');
    assert.equal((await untilOver(two, tag)).status, 'READY');
    const about = (what: string): number =>
      [one, two].flatMap((each) => each.log()).filter(({ msg, image: of }) => msg === what && of === tag).length;
    while (about('job ended') === 0) await delay(20);
    assert.equal(about('job begun'), 1);

    // The database goes and comes back while people ask.
    const path = `/api/lookup/testsys/docker/${encodeURIComponent(tag)}/`;
    const lookups = Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        await delay(index * 40);
        return (await (index % 2 === 0 ? one : two).fetch(path)).status;
      }),
    );
    await postgres.restart();
    // Requests wait for it, if not for ever.
    assert.deepEqual(
      (await lookups).filter((status) => status !== 200 && status !== 503),
      [],
    );
    assert.equal((await one.fetch(path)).status, 200);
  });

  test('a stop lets what runs come to its end, and what would take too long is handed over', async () => {
    const layer = randomBytes(300_000);
    const image = fakeImage([layer]);
    const serve = serveImage({ documents: { 1: image.manifest }, blobs: image.blobs });
    const stuck = await startFakeServer((request, response) => {
      if (!request.url.endsWith([...image.blobs.keys()][1] ?? 'none')) return serve(request, response);
      response.writeHead(200, { 'content-length': layer.length });
      response.write(layer.subarray(0, 1000));
      return true;
    });
    const gateway = await startGateway({ locations: { [stuck.address]: dockerv2 }, config: { StopTimeout: 1 } });
    await poll(gateway, 'app:1');
    while ((await poll(gateway, 'app:1')).status !== 'PULLING') await delay(20);
    process.kill(gateway.service().pid, 'SIGTERM');
    await untilLogged(gateway, ({ result }) => result === 'handed-over');
    await untilLogged(gateway, ({ msg }) => msg === 'stopped');
    await gateway.service().stop();
    await gateway.start();
    await untilLogged(gateway, ({ msg, attempt }) => msg === 'job begun' && attempt === 1);

    // Then it is cancelled, and its worker goes at once.
    const workers = async (): Promise<string> =>
      (await run(['pgrep', '--parent', String(gateway.service().pid), '--full', 'gateway worker'])).stdout;
    while ((await workers()) === '') await delay(20);
    const cancel = await gateway.fetch('/api/cancel/testsys/docker/app%3A1/', { method: 'POST' });
    assert.equal(cancel.text, '{"status":true}');
    while ((await workers()) !== '') await delay(20);
    await untilLogged(gateway, ({ result }) => result === 'lost');
    const { status, status_message: message } = await poll(gateway, 'app:1');
    assert.deepEqual([status, message], ['FAILURE', 'cancelled by root']);
  });

  test('a clock that jumps while an image is pulled: the pull goes on, once', async () => {
    const time = join(temporaryDirectory(), 'time');
    writeFileSync(time, '+0');
    const packed = await runOk(['sh', '-c', 'tar -C /etc -c hostname | base64 -w0']);
    const image = fakeImage([Buffer.from(packed, 'base64')]);
    const serve = serveImage({ documents: { 1: image.manifest }, blobs: image.blobs });
    const { promise: opened, resolve: open } = Promise.withResolvers<void>();
    const slow = await startFakeServer(async (request, response) => {
      if (request.url.endsWith([...image.blobs.keys()][1] ?? 'none')) await opened;
      return await serve(request, response);
    });
    const names = await pushMany(registry, 2);
    const gateway = await startGateway({
      locations: { [slow.address]: dockerv2, [registry.address]: dockerv2 },
      environment: {
        LD_PRELOAD: faketime,
        FAKETIME_TIMESTAMP_FILE: time,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
    });
    await poll(gateway, 'app:1');
    await untilLogged(gateway, ({ msg, image: of }) => msg === 'job begun' && of === 'app:1');
    // That another pull comes to its end shows that the gateway has looked for work since.
    for (const [index, jump] of ['+400d', '-400d'].entries()) {
      writeFileSync(time, jump);
      assert.equal((await untilOver(gateway, `${registry.address}/${names[index]}`)).status, 'READY');
    }
    open();
    assert.equal((await untilOver(gateway, 'app:1')).status, 'READY');
    await assertWhole(gateway, 3);
    assert.equal(gateway.log().filter(({ msg, image: of }) => msg === 'job begun' && of === 'app:1').length, 1);
    assert.equal(gateway.log().filter(({ result }) => result === 'lost' || result === 'failed').length, 0);
  });
});
