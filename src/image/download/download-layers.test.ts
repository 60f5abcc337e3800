// SPDX-License-Identifier: Apache-2.0
// Downloads from sources that break, lie and stall.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Answer, sendBlob, sha256, startFakeServer } from '../../../test/support/fake-registry.ts';
import { temporaryDirectory } from '../../../test/support/temporary.ts';
import { type Digest, digestHex, type PullEvent } from '../../model/index.ts';
import { openTestSource } from '../registry/testing/open-test-source.ts';
import type { ImageSource, LayerDescriptor, LayerFile } from '../types.ts';
import { downloadLayers, type LayerDownload } from './download-layers.ts';

const never = new AbortController().signal;
const blob = randomBytes(3_000_000);
const layer = layerOf(blob);

function layerOf(bytes: Buffer, sizeBytes = bytes.length): LayerDescriptor {
  const mediaType = 'application/vnd.oci.image.layer.v1.tar';
  return { mediaType, digest: sha256(bytes) as Digest, sizeBytes };
}

type Setting = {
  readonly directory: string;
  readonly path: string;
  readonly events: PullEvent[];
  readonly download: (options?: Partial<LayerDownload>) => Promise<LayerFile[]>;
};

function settingFor(source: ImageSource, layers: readonly LayerDescriptor[] = [layer]): Setting {
  const directory = temporaryDirectory();
  const pathOf = (digest: Digest): string => join(directory, digestHex(digest));
  const events: PullEvent[] = [];
  const clock = { now: () => new Date(), monotonicMs: () => performance.now(), sleep: () => Promise.resolve() };
  const common = { source, layers, pathOf, clock, signal: never, emit: (event: PullEvent) => events.push(event) };
  return {
    directory,
    path: pathOf(layer.digest),
    events,
    download: async (options = {}) => await downloadLayers({ ...common, ...options }),
  };
}

async function sourceOn(
  answer: Answer,
  stallTimeoutMs = 60_000,
): Promise<ImageSource & { requests: () => readonly string[] }> {
  const server = await startFakeServer(answer);
  const limits = { stallTimeoutMs, firstDelayMs: 0 };
  const source = openTestSource(`${server.address}/app:1`, { limits });
  return { ...source, requests: () => server.requests.map(({ headers }) => String(headers['range'] ?? 'all')) };
}

const good: Answer = (request, response) => sendBlob(blob, request, response);

const retries = (events: readonly PullEvent[]): number => events.filter(({ type }) => type === 'retrying').length;

test('a blob arrives whole, under its name, closed to others', async () => {
  const { download, path, directory, events } = settingFor(await sourceOn(good));
  assert.deepEqual(await download(), [{ ...layer, path }]);
  assert.deepEqual(readFileSync(path), blob);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(directory), [digestHex(layer.digest)]);
  const done = events.flatMap((event) => (event.type === 'blob-progress' ? [event.doneBytes] : []));
  assert.deepEqual(
    done,
    done.toSorted((left, right) => left - right),
  );
  assert.equal(done.at(-1), blob.length);
  assert.deepEqual(events.at(-1), {
    type: 'blob-done',
    digest: layer.digest,
    sizeBytes: blob.length,
    wasCached: false,
  });
});

test('a blob that is there is not fetched again, one of another length is', async () => {
  const source = await sourceOn(good);
  const { download, path, events } = settingFor(source);
  writeFileSync(path, Buffer.alloc(blob.length));
  await download();
  assert.equal(source.requests().length, 0);
  assert.deepEqual(events, [{ type: 'blob-done', digest: layer.digest, sizeBytes: blob.length, wasCached: true }]);
  writeFileSync(path, 'short');
  await download();
  assert.deepEqual(readFileSync(path), blob);
});

test('a digest that occurs twice is fetched once and stands for both', async () => {
  const source = await sourceOn(good);
  const { download, path } = settingFor(source, [layer, layer]);
  assert.deepEqual(
    (await download()).map((file) => file.path),
    [path, path],
  );
  assert.equal(source.requests().length, 1);
});

test('two downloads of one blob at once fetch it once', async () => {
  const source = await sourceOn(good);
  const { download } = settingFor(source);
  await Promise.all([download(), download()]);
  assert.equal(source.requests().length, 1);
});

test('an empty blob needs no request', async () => {
  const source = await sourceOn(good);
  const empty = layerOf(Buffer.of());
  const [file] = await settingFor(source, [empty]).download();
  assert.equal(statSync(file?.path ?? '').size, 0);
  assert.equal(source.requests().length, 0);
});

test('a digest may be sha512', async () => {
  const digest = `sha512:${createHash('sha512').update(blob).digest('hex')}` as Digest;
  const [file] = await settingFor(await sourceOn(good), [{ ...layer, digest }]).download();
  assert.deepEqual(readFileSync(file?.path ?? ''), blob);
});

/** Announces what was asked for, sends the first `bytes` of it and hangs up; so often, then behaves. */
function breakAfter(bytes: number, options: { readonly times: number; readonly hasRanges?: boolean }): Answer {
  let times = 0;
  return (request, response) => {
    if (times++ >= options.times) return good(request, response);
    const hasRanges = options.hasRanges ?? true;
    const first = hasRanges ? Number(/\d+/.exec(String(request.headers['range'] ?? '0'))?.[0] ?? 0) : 0;
    const headers = first === 0 ? {} : { 'content-range': `bytes ${first}-${blob.length - 1}/${blob.length}` };
    response.writeHead(first === 0 ? 200 : 206, { ...headers, 'content-length': blob.length - first });
    response.write(blob.subarray(first, first + bytes), () => setTimeout(() => response.destroy(), 20));
    return true;
  };
}

test('a transfer that breaks goes on where it broke', async () => {
  const source = await sourceOn(breakAfter(1_200_000, { times: 2 }));
  const { download, path, events } = settingFor(source);
  await download();
  assert.deepEqual(readFileSync(path), blob);
  assert.deepEqual(source.requests(), ['all', `bytes=1200000-${blob.length - 1}`, `bytes=2400000-${blob.length - 1}`]);
  assert.equal(retries(events), 2);
});

test('without ranges a transfer that breaks starts again', async () => {
  const withoutRanges: Answer = (request, response) => good({ ...request, headers: {} }, response);
  let isFirst = true;
  const source = await sourceOn((request, response) => {
    const answer = isFirst ? breakAfter(1_200_000, { times: 1, hasRanges: false }) : withoutRanges;
    isFirst = false;
    return answer(request, response);
  });
  const { download, path } = settingFor(source);
  await download();
  assert.deepEqual(readFileSync(path), blob);
});

test('a transfer that never gets further is given up, and what came is kept and used', async () => {
  const source = await sourceOn(breakAfter(1000, { times: 5 }));
  const { download, path } = settingFor(source);
  await assert.rejects(download(), { code: 'download-interrupted', message: /after 5000 of 3000000 bytes/ });
  assert.equal(statSync(`${path}.part`).size, 5000);
  await download();
  assert.equal(source.requests().at(-1), `bytes=5000-${blob.length - 1}`);
  assert.deepEqual(readFileSync(path), blob);
  assert.ok(!existsSync(`${path}.part`));
});

test('a transfer that falls silent goes on', async () => {
  let isFirst = true;
  const source = await sourceOn((request, response) => {
    if (!isFirst) return good(request, response);
    isFirst = false;
    response.writeHead(200, { 'content-length': blob.length });
    response.write(blob.subarray(0, 1_100_000));
    return true;
  }, 100);
  const { download, path, events } = settingFor(source);
  await download();
  assert.deepEqual(readFileSync(path), blob);
  assert.equal(retries(events), 1);
});

test('a complete part of an earlier process is verified and needs no request', async () => {
  const source = await sourceOn(good);
  const { download, path } = settingFor(source);
  writeFileSync(`${path}.part`, blob);
  await download();
  assert.equal(source.requests().length, 0);
  assert.deepEqual(readFileSync(path), blob);
});

test('a part with wrong bytes is thrown away, and the blob fetched afresh', async () => {
  const source = await sourceOn(good);
  const { download, path } = settingFor(source);
  writeFileSync(`${path}.part`, Buffer.alloc(1_000_000));
  await download();
  assert.deepEqual(readFileSync(path), blob);
  assert.deepEqual(source.requests(), [`bytes=1000000-${blob.length - 1}`, 'all']);
});

test('a part that is longer than the blob is thrown away', async () => {
  const source = await sourceOn(good);
  const { download, path } = settingFor(source);
  writeFileSync(`${path}.part`, Buffer.alloc(blob.length + 1));
  await download();
  assert.deepEqual(source.requests(), ['all']);
});

test('a part that is a symbolic link is not followed', async () => {
  const { download, path, directory } = settingFor(await sourceOn(good));
  const victim = join(directory, 'victim');
  writeFileSync(victim, 'precious');
  symlinkSync(victim, `${path}.part`);
  await assert.rejects(download(), { code: 'file-operation-failed', message: /ELOOP/ });
  assert.equal(readFileSync(victim, 'utf8'), 'precious');
});

function flipLastBit(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8((bytes.at(-1) ?? 0) ^ 1, copy.length - 1);
  return copy;
}

const corruptions: readonly (readonly [string, Answer, RegExp])[] = [
  [
    'of wrong bytes',
    (request, response) => sendBlob(Buffer.alloc(blob.length), request, response),
    /its bytes have digest sha256:/,
  ],
  ['with one bit flipped', (request, response) => sendBlob(flipLastBit(blob), request, response), /have digest/],
  [
    'that is too long',
    (request, response) => sendBlob(Buffer.concat([blob, blob]), request, response),
    /more than the 3000000 bytes/,
  ],
  [
    'without an end',
    (_, response) => {
      const more = (): void => {
        while (response.write(blob));
        response.once('drain', more);
      };
      more();
    },
    /more than the 3000000 bytes/,
  ],
];
for (const [name, answer, message] of corruptions) {
  test(`a blob ${name} is fetched once more, then refused, and leaves nothing`, async () => {
    const source = await sourceOn(answer);
    const { download, directory } = settingFor(source);
    await assert.rejects(download(), { code: 'blob-corrupt', message });
    assert.deepEqual(readdirSync(directory), []);
    assert.deepEqual(source.requests(), ['all', 'all']);
  });
}

test('a blob that was damaged once on its way arrives', async () => {
  let isFirst = true;
  const source = await sourceOn((request, response) => {
    sendBlob(isFirst ? flipLastBit(blob) : blob, request, response);
    isFirst = false;
  });
  const { download, path, events } = settingFor(source);
  await download();
  assert.deepEqual(readFileSync(path), blob);
  assert.equal(retries(events), 1);
});

test('a blob that is shorter than its manifest says is refused', async () => {
  const short: Answer = (request, response) => sendBlob(blob.subarray(0, 2_000_000), request, response);
  const { download, path } = settingFor(await sourceOn(short));
  await assert.rejects(download(), { code: 'download-interrupted', message: /ended early, after 2000000 of 3000000/ });
  assert.ok(!existsSync(path));
});

test('the end of the signal ends a download for its reason, and what came is kept', async () => {
  const source = await sourceOn((_, response) => {
    response.writeHead(200, { 'content-length': blob.length });
    response.write(blob.subarray(0, 1_500_000));
  });
  const { download, path, directory } = settingFor(source);
  const controller = new AbortController();
  const emit = (event: PullEvent): void => {
    if (event.type === 'blob-progress') controller.abort(new Error('enough'));
  };
  await assert.rejects(download({ signal: controller.signal, emit }), /^Error: enough$/);
  assert.ok(statSync(`${path}.part`).size >= 1_000_000);
  assert.deepEqual(readdirSync(directory), [`${digestHex(layer.digest)}.part`]);
});

test('the first failure ends the other downloads', async () => {
  const bad = layerOf(randomBytes(100));
  const source = await sourceOn((request, response) => {
    if (request.url.includes(bad.digest)) return false;
    response.writeHead(200, { 'content-length': blob.length });
    response.write(blob.subarray(0, 1_500_000));
    return true;
  });
  await assert.rejects(settingFor(source, [layer, bad]).download(), { code: 'blob-unknown' });
});

test('as many downloads run at once as were asked for', async () => {
  const blobs = Array.from({ length: 9 }, (_, index) => Buffer.from(`layer ${index}`));
  let running = 0;
  let most = 0;
  const source = await sourceOn(async (request, response) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 20));
    running -= 1;
    const found = blobs.find((one) => request.url.includes(sha256(one)));
    if (found === undefined) return false;
    sendBlob(found, request, response);
    return true;
  });
  await settingFor(
    source,
    blobs.map((one) => layerOf(one)),
  ).download({ concurrency: 3 });
  assert.equal(most, 3);
});
