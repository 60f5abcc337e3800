// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, test } from 'node:test';
import {
  type Digest,
  digestHex,
  emptyImageConfig,
  hasCode,
  parseDigest,
  parseImageReference,
  type PullEvent,
  SlipwayError,
} from '../../model/index.ts';
import { systemClock } from '../../sys/clock.ts';
import { pullRecordPath, squashfsPath, tagRecordPath } from '../store/layout.ts';
import { openStore, type Store } from '../store/open-store.ts';
import type { ImageSource, LayerDescriptor, ResolvedImage } from '../types.ts';
import { pullImage, type PullOptions } from './pull-image.ts';

function digestOf(data: string): Digest {
  return parseDigest(`sha256:${createHash('sha256').update(data).digest('hex')}`)!;
}

function layerOf(content: string): LayerDescriptor {
  return { mediaType: 'test/layer', digest: digestOf(content), sizeBytes: Buffer.byteLength(content) };
}

type TestSource = ImageSource & { readonly resolved: ResolvedImage; readonly opened: Digest[] };

/** An image of these layers, given out from memory; `opened` lists the blobs that were asked for. */
function sourceOf(contents: readonly string[], openBlob?: ImageSource['openBlob']): TestSource {
  const manifest = contents.join('|');
  const opened: Digest[] = [];
  const byDigest = new Map(contents.map((content) => [digestOf(content), content]));
  const resolved: ResolvedImage = {
    digest: digestOf(manifest),
    manifestBytes: Buffer.from(manifest),
    configBytes: Buffer.from('{}'),
    configDigest: digestOf('{}'),
    config: { ...emptyImageConfig({ os: 'linux', architecture: 'amd64' }), env: ['A=1'] },
    layers: contents.map(layerOf),
  };
  return {
    resolved,
    opened,
    resolve: async () => resolved,
    openBlob: async (layer, offsetBytes, signal) => {
      opened.push(layer.digest);
      if (openBlob !== undefined) return await openBlob(layer, offsetBytes, signal);
      return { body: Readable.from([Buffer.from(byDigest.get(layer.digest)!).subarray(offsetBytes)]), offsetBytes };
    },
    close: async () => undefined,
  };
}

type ConvertLayers = NonNullable<PullOptions['convert']>;

/** "Converts" by writing the layers one after the other. */
const concatenate: ConvertLayers = async (layers, { outputPath }) => {
  const data = Buffer.concat(await Promise.all(layers.map((layer) => readFile(layer.path))));
  await writeFile(outputPath, data);
  return { entries: layers.length, contentBytes: data.length, sizeBytes: data.length };
};

describe('pullImage', () => {
  let directory: string;
  let store: Store;
  let events: PullEvent[];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'slipway-pull-'));
    store = await openStore(join(directory, 'store'));
    events = [];
  });
  afterEach(() => rm(directory, { recursive: true }));

  const options = (source: ImageSource, more: Partial<PullOptions> = {}): PullOptions => ({
    reference: parseImageReference('r.example/a:1'),
    source,
    store,
    convert: concatenate,
    emit: (event) => events.push(event),
    signal: new AbortController().signal,
    clock: systemClock,
    ...more,
  });

  /** Every file of the store, apart from its version and its images with their records and tags. */
  const leftOvers = async (): Promise<readonly string[]> => {
    const entries = await readdir(store.path, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() || entry.name.includes('.lock'))
      .map((entry) => join(entry.parentPath, entry.name).slice(store.path.length + 1))
      .filter((path) => path !== 'version' && !path.startsWith('images/') && !path.startsWith('tags/'));
  };
  const imageFiles = (): Promise<string[]> => readdir(join(store.path, 'images'));
  const eventTypes = (): readonly string[] =>
    events.map((event) => event.type).filter((type) => type !== 'blob-progress');

  test('makes the store, keeps the image and its tag, and nothing else', async () => {
    const source = sourceOf(['one', 'two', 'one']);
    const pulled = await pullImage(options(source));
    const { digest } = source.resolved;
    assert.deepEqual(pulled, { digest, wasPresent: false, sizeBytes: 9 });
    assert.deepEqual(eventTypes(), ['resolving', 'resolved', 'blob-done', 'blob-done', 'stored']);
    const found = store.findImage('r.example/a:1');
    assert.equal(found.squashfsPath, squashfsPath(store.path, digest));
    assert.equal(await readFile(found.squashfsPath, 'utf8'), 'onetwoone');
    assert.equal((await stat(found.squashfsPath)).mode & 0o7777, 0o444);
    assert.deepEqual(found.image.config.env, ['A=1']);
    assert.deepEqual(found.image.layers, source.resolved.layers);
    assert.equal((await stat(store.path)).mode & 0o7777, 0o700);
    assert.deepEqual(await leftOvers(), []);
  });

  test('of an image that is there asks for no blob and says so', async () => {
    await pullImage(options(sourceOf(['one'])));
    const source = sourceOf(['one']);
    const pulled = await pullImage(options(source));
    assert.equal(pulled.wasPresent, true);
    assert.equal(pulled.sizeBytes, 3);
    assert.deepEqual(source.opened, []);
    assert.equal(events.at(-1)?.type, 'already-present');
  });

  test('under another name only tags', async () => {
    await pullImage(options(sourceOf(['one'])));
    const source = sourceOf(['one']);
    const pulled = await pullImage(options(source, { reference: parseImageReference('r.example/b:1') }));
    assert.equal(pulled.wasPresent, true);
    assert.deepEqual(source.opened, []);
    assert.equal(store.findImage('r.example/b:1').image.digest, store.findImage('r.example/a:1').image.digest);
  });

  test('of a name that has become another image moves the tag and keeps the old image', async () => {
    const old = await pullImage(options(sourceOf(['one'])));
    const fresh = await pullImage(options(sourceOf(['two'])));
    assert.equal(store.findImage('r.example/a:1').image.digest, fresh.digest);
    assert.equal(store.findImage(old.digest).image.digest, old.digest);
  });

  test('mends an image whose squashfs is cut or whose record or tag is damaged', async () => {
    const { digest } = await pullImage(options(sourceOf(['one'])));
    const squashfs = squashfsPath(store.path, digest);
    const damages = [
      async () => {
        await rm(squashfs);
        await writeFile(squashfs, 'o');
      },
      () => writeFile(squashfs.replace(/squashfs$/, 'json'), '{}'),
      () => writeFile(tagRecordPath(store.path, parseImageReference('r.example/a:1')), '{}'),
    ];
    for (const damage of damages) {
      await damage();
      await pullImage(options(sourceOf(['one'])));
      assert.equal(await readFile(store.findImage('r.example/a:1').squashfsPath, 'utf8'), 'one');
    }
  });

  test('twice at once works once', async () => {
    const sources = [sourceOf(['one', 'two']), sourceOf(['one', 'two'])] as const;
    let conversions = 0;
    const convert: ConvertLayers = async (layers, order) => {
      conversions += 1;
      await systemClock.sleep(50, order.signal);
      return await concatenate(layers, order);
    };
    const pulls = await Promise.all(sources.map((source) => pullImage(options(source, { convert }))));
    assert.equal(conversions, 1);
    assert.equal(pulls.filter((pull) => pull.wasPresent).length, 1);
    assert.deepEqual([...sources[0].opened, ...sources[1].opened].sort(), [digestOf('one'), digestOf('two')].sort());
    assert.ok(eventTypes().includes('waiting-for-lock'));
    assert.deepEqual(await leftOvers(), []);
  });

  test('of two images with a layer in common downloads it once, and neither loses it', async () => {
    const sources = [sourceOf(['base', 'one']), sourceOf(['base', 'two'])] as const;
    // Neither converts before both have their layers, and the first is done before the second begins to read.
    let first: () => void = () => undefined;
    const firstIsDone = new Promise<void>((resolve) => (first = resolve));
    let arrived = 0;
    let both: () => void = () => undefined;
    const bothArrived = new Promise<void>((resolve) => (both = resolve));
    const convertAs =
      (turn: 'first' | 'second'): ConvertLayers =>
      async (layers, order) => {
        arrived += 1;
        if (arrived === 2) both();
        await bothArrived;
        if (turn === 'second') await firstIsDone;
        return await concatenate(layers, order);
      };
    const pullFirst = pullImage(options(sources[0], { convert: convertAs('first') })).then(first);
    const reference = parseImageReference('r.example/b:1');
    await Promise.all([pullFirst, pullImage(options(sources[1], { convert: convertAs('second'), reference }))]);
    assert.equal(await readFile(store.findImage('r.example/a:1').squashfsPath, 'utf8'), 'baseone');
    assert.equal(await readFile(store.findImage('r.example/b:1').squashfsPath, 'utf8'), 'basetwo');
    const opened = [...sources[0].opened, ...sources[1].opened];
    assert.equal(opened.filter((digest) => digest === digestOf('base')).length, 1);
    assert.deepEqual(await leftOvers(), []);
  });

  test('aborted in a download keeps the part, from which the next goes on', async () => {
    const controller = new AbortController();
    const content = 'x'.repeat(3 * 1024 * 1024);
    const stalling = sourceOf([content], async (_layer, offsetBytes) => ({
      body: Readable.from(
        (async function* () {
          yield Buffer.from(content.slice(0, 2 * 1024 * 1024));
          controller.abort(new Error('enough'));
          await new Promise((resolve) => setTimeout(resolve, 5));
          yield Buffer.from(content.slice(2 * 1024 * 1024, -1));
        })(),
      ),
      offsetBytes,
    }));
    await assert.rejects(pullImage(options(stalling, { signal: controller.signal })), { message: 'enough' });
    assert.deepEqual(await leftOvers(), [`blobs/sha256/${digestHex(digestOf(content))}.part`]);
    assert.deepEqual(await imageFiles(), []);

    let startBytes = 0;
    const source = sourceOf([content], async (_layer, offsetBytes) => {
      startBytes = offsetBytes;
      return { body: Readable.from([Buffer.from(content.slice(offsetBytes))]), offsetBytes };
    });
    await pullImage(options(source));
    assert.ok(startBytes > 0);
    assert.equal(store.findImage('r.example/a:1').image.sizeBytes, content.length);
    assert.deepEqual(await leftOvers(), []);
  });

  test('aborted in the conversion keeps the layers and removes what was being written', async () => {
    const controller = new AbortController();
    const convert: ConvertLayers = async (_layers, { outputPath, signal }) => {
      await writeFile(outputPath, 'half');
      controller.abort(new Error('enough'));
      return signal.throwIfAborted() ?? { entries: 0, contentBytes: 0, sizeBytes: 0 };
    };
    await assert.rejects(pullImage(options(sourceOf(['one']), { convert, signal: controller.signal })), {
      message: 'enough',
    });
    assert.deepEqual(await leftOvers(), [`blobs/sha256/${digestHex(digestOf('one'))}`]);

    const source = sourceOf(['one']);
    await pullImage(options(source));
    assert.deepEqual(source.opened, []);
    assert.deepEqual(await leftOvers(), []);
  });

  test('of an image that can not be converted leaves nothing, and no tag', async () => {
    const convert: ConvertLayers = async (_layers, { outputPath }) => {
      await writeFile(outputPath, 'half');
      throw new SlipwayError('layer-unreadable', { layer: 'x', reason: 'it is no tar' });
    };
    await assert.rejects(pullImage(options(sourceOf(['one']), { convert })), (error) =>
      hasCode(error, 'layer-unreadable'),
    );
    assert.deepEqual(await leftOvers(), []);
    assert.deepEqual(await imageFiles(), []);
    assert.deepEqual(await readdir(join(store.path, 'tags')), []);
  });

  test('of a corrupt layer leaves no bytes of it', async () => {
    const source = sourceOf(['one'], async () => ({ body: Readable.from([Buffer.from('two')]), offsetBytes: 0 }));
    await assert.rejects(pullImage(options(source)), (error) => hasCode(error, 'blob-corrupt'));
    assert.deepEqual(await leftOvers(), []);
  });

  test('clears away what dead processes left, and keeps what a living one writes', async () => {
    await store.prepare();
    const orphan = digestOf('orphan');
    await writeFile(squashfsPath(store.path, orphan), 'no record');
    await writeFile(pullRecordPath(store.path, orphan), JSON.stringify({ blobs: [digestOf('one')] }));
    const living = store.temporaryPath();
    const dead = living.replace(/-\d+-\d+-([0-9a-f]{12})$/, '-1-1-$1');
    await writeFile(living, '');
    await writeFile(dead, '');
    await pullImage(options(sourceOf(['one'])));
    assert.deepEqual(await leftOvers(), [living.slice(store.path.length + 1)]);
    assert.equal((await imageFiles()).includes(`${digestHex(orphan)}.squashfs`), false);
  });

  test('is refused before it downloads what the file system can not hold', async () => {
    const source = sourceOf(['one']);
    const resolve = async (): Promise<ResolvedImage> => ({
      ...source.resolved,
      layers: [{ ...layerOf('one'), sizeBytes: 2 ** 52 }],
    });
    await assert.rejects(
      pullImage(options({ ...source, resolve })),
      (error) => hasCode(error, 'store-space-short') && error.message.includes('GiB'),
    );
    assert.deepEqual(source.opened, []);
    assert.deepEqual(await leftOvers(), []);
  });
});
