// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { makeMember, writeArchive } from '../../formats/tar/archive.test-helper.ts';
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

function hashOf(data: string | Buffer): Digest {
  return parseDigest(`sha256:${createHash('sha256').update(data).digest('hex')}`)!;
}

/** A layer with one file, which is called as its content begins. */
function blobOf(content: string): Buffer {
  return writeArchive([makeMember({ path: content.slice(0, 20), content: Buffer.from(content) })]);
}

function digestOf(content: string): Digest {
  return hashOf(blobOf(content));
}

function layerOf(content: string): LayerDescriptor {
  const blob = blobOf(content);
  return { mediaType: 'test/layer', digest: hashOf(blob), sizeBytes: blob.length };
}

type TestSource = ImageSource & { readonly resolved: ResolvedImage; readonly opened: Digest[] };

/** An image of these layers, given out from memory; `opened` lists the blobs that were asked for. */
function sourceOf(contents: readonly string[], openBlob?: ImageSource['openBlob']): TestSource {
  const manifest = contents.join('|');
  const opened: Digest[] = [];
  const byDigest = new Map(contents.map((content) => [digestOf(content), blobOf(content)]));
  const resolved: ResolvedImage = {
    digest: hashOf(manifest),
    manifestBytes: Buffer.from(manifest),
    configBytes: Buffer.from('{}'),
    configDigest: hashOf('{}'),
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
      return { body: Readable.from([byDigest.get(layer.digest)!.subarray(offsetBytes)]), offsetBytes };
    },
    close: async () => undefined,
  };
}

type Assemble = NonNullable<PullOptions['assemble']>;

/** Writes the names of the layers' files one after the other. */
const concatenate: Assemble = async (layers, { outputPath }) => {
  let text = '';
  for (const { index } of layers) index.forEachPath((path) => (text += path));
  await writeFile(outputPath, text);
  return { entries: layers.length, contentBytes: text.length, sizeBytes: text.length };
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
    assemble: concatenate,
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
      .filter(
        (path) =>
          path !== 'version' && !path.startsWith('images/') && !path.startsWith('tags/') && !path.startsWith('packs/'),
      );
  };
  const packFiles = (): Promise<string[]> => readdir(join(store.path, 'packs'));
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
    const assemble: Assemble = async (layers, order) => {
      conversions += 1;
      await systemClock.sleep(50, order.signal);
      return await concatenate(layers, order);
    };
    const pulls = await Promise.all(sources.map((source) => pullImage(options(source, { assemble }))));
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
    const assembleAs =
      (turn: 'first' | 'second'): Assemble =>
      async (layers, order) => {
        arrived += 1;
        if (arrived === 2) both();
        await bothArrived;
        if (turn === 'second') await firstIsDone;
        return await concatenate(layers, order);
      };
    const pullFirst = pullImage(options(sources[0], { assemble: assembleAs('first') })).then(first);
    const reference = parseImageReference('r.example/b:1');
    await Promise.all([pullFirst, pullImage(options(sources[1], { assemble: assembleAs('second'), reference }))]);
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
          yield blobOf(content).subarray(0, 2 * 1024 * 1024);
          controller.abort(new Error('enough'));
          await new Promise((resolve) => setTimeout(resolve, 5));
          yield blobOf(content).subarray(2 * 1024 * 1024, -1);
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
      return { body: Readable.from([blobOf(content).subarray(offsetBytes)]), offsetBytes };
    });
    await pullImage(options(source));
    assert.ok(startBytes > 0);
    assert.equal(store.findImage('r.example/a:1').image.sizeBytes, 20);
    assert.deepEqual(await leftOvers(), []);
  });

  test('aborted in the assembly keeps the packs and removes what was being written', async () => {
    const controller = new AbortController();
    const assemble: Assemble = async (_layers, { outputPath, signal }) => {
      await writeFile(outputPath, 'half');
      controller.abort(new Error('enough'));
      return signal.throwIfAborted() ?? { entries: 0, contentBytes: 0, sizeBytes: 0 };
    };
    await assert.rejects(pullImage(options(sourceOf(['one']), { assemble, signal: controller.signal })), {
      message: 'enough',
    });
    assert.deepEqual(await leftOvers(), []);
    assert.equal((await packFiles()).length, 1);

    const source = sourceOf(['one']);
    await pullImage(options(source));
    assert.deepEqual(source.opened, []);
    assert.deepEqual(await leftOvers(), []);
  });

  test('of an image that can not be converted leaves nothing, and no tag', async () => {
    const assemble: Assemble = async (_layers, { outputPath }) => {
      await writeFile(outputPath, 'half');
      throw new SlipwayError('layer-unreadable', { layer: 'x', reason: 'it is no tar' });
    };
    await assert.rejects(pullImage(options(sourceOf(['one']), { assemble })), (error) =>
      hasCode(error, 'layer-unreadable'),
    );
    assert.deepEqual(await leftOvers(), []);
    assert.deepEqual(await imageFiles(), []);
    assert.deepEqual(await readdir(join(store.path, 'tags')), []);
  });

  test('of a corrupt layer leaves no bytes of it', async () => {
    const source = sourceOf(['one'], async () => ({ body: Readable.from([blobOf('two')]), offsetBytes: 0 }));
    await assert.rejects(pullImage(options(source)), (error) => hasCode(error, 'blob-corrupt'));
    assert.deepEqual(await leftOvers(), []);
    assert.deepEqual(await packFiles(), []);
  });

  test('forgets a layer that was damaged on its way, and what was made of it', async () => {
    const content = 'x'.repeat(1_000_000);
    let attempts = 0;
    const source = sourceOf([content], async (_layer, offsetBytes) => {
      attempts += 1;
      const blob = blobOf(content);
      // Not even a tar archive the first time: the complaint about it goes with the bytes.
      return { body: Readable.from([attempts === 1 ? blob.fill('?', 0, 512) : blob]), offsetBytes };
    });
    await pullImage(options(source));
    assert.equal(attempts, 2);
    assert.ok(eventTypes().includes('retrying'));
    assert.equal((await packFiles()).length, 1);
    assert.deepEqual(await leftOvers(), []);
  });

  test('asks only for layers that are not packed yet', async () => {
    await pullImage(options(sourceOf(['base', 'one'])));
    const source = sourceOf(['base', 'two']);
    await pullImage(options(source, { reference: parseImageReference('r.example/b:1') }));
    assert.deepEqual(source.opened, [digestOf('two')]);
    assert.equal(await readFile(store.findImage('r.example/b:1').squashfsPath, 'utf8'), 'basetwo');
    const cached = events.filter((event) => event.type === 'blob-done' && event.wasCached);
    assert.deepEqual(cached, [
      { type: 'blob-done', digest: digestOf('base'), sizeBytes: layerOf('base').sizeBytes, wasCached: true },
    ]);
  });

  test('gives the same bytes with and without packs, and makes damaged packs anew', async () => {
    const contents = ['base'.repeat(100_000), 'one'.repeat(200_000), 'two'];
    const pullAgain = async (): Promise<{ readonly image: Buffer; readonly opened: number }> => {
      const source = sourceOf(contents);
      const { assemble: _, ...really } = options(source);
      await pullImage(really);
      const found = store.findImage('r.example/a:1');
      const image = await readFile(found.squashfsPath);
      await store.remove('r.example/a:1', { signal: new AbortController().signal });
      return { image, opened: source.opened.length };
    };
    const first = await pullAgain();
    assert.equal(first.opened, 3);
    const cached = await pullAgain();
    assert.equal(cached.opened, 0);
    assert.ok(cached.image.equals(first.image));
    // In the header, in the blocks, at the end, and short of it.
    const damages: readonly ((pack: Buffer) => Buffer)[] = [
      (pack) => pack.fill('?', 20, 24),
      (pack) => pack.fill('?', 140, 144),
      (pack) => pack.fill('?', pack.length - 4),
      (pack) => pack.subarray(0, -1),
    ];
    for (const [number, damage] of damages.entries()) {
      const path = join(store.path, 'packs', (await packFiles())[number % 3]!);
      const pack = await readFile(path);
      await rm(path);
      await writeFile(path, damage(pack));
      const mended = await pullAgain();
      assert.ok(mended.opened >= 1, `damage ${number} was not noticed`);
      assert.ok(mended.image.equals(first.image));
    }
  });

  test('keeps as many packs as it may, those that were used last', async () => {
    const content = (letter: string): string => letter + randomBytes(30_000).toString('hex');
    const [a, b, c] = [content('a'), content('b'), content('c')];
    const maxPackBytes = 80_000;
    await pullImage(options(sourceOf([a]), { maxPackBytes }));
    await pullImage(options(sourceOf([b]), { maxPackBytes }));
    const old = new Date(Date.now() - 3_600_000);
    for (const name of await packFiles()) {
      if (name.startsWith(digestHex(digestOf(b)))) await utimes(join(store.path, 'packs', name), old, old);
    }
    await pullImage(options(sourceOf([a, c]), { maxPackBytes }));
    const left = (await packFiles()).map((name) => name.slice(0, 64)).sort();
    assert.deepEqual(left, [a, c].map((text) => digestHex(digestOf(text))).sort());
    // One that is too large by itself drives nobody else out.
    const large = randomBytes(100_000).toString('hex');
    await pullImage(options(sourceOf([large]), { maxPackBytes }));
    assert.deepEqual((await packFiles()).map((name) => name.slice(0, 64)).sort(), left);
    await pullImage(options(sourceOf(['other']), { maxPackBytes: 0 }));
    assert.deepEqual(await packFiles(), []);
  });

  test('does not take a pack for a layer that the configuration describes otherwise', async () => {
    await pullImage(options(sourceOf(['one'])));
    const source = sourceOf(['one']);
    const layers = [{ ...layerOf('one'), diffId: hashOf('another') }];
    const lying = { ...source, resolve: async () => ({ ...source.resolved, digest: hashOf('lying'), layers }) };
    await assert.rejects(pullImage(options(lying)), (error) => hasCode(error, 'layer-content-mismatch'));
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
