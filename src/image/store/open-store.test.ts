// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import {
  type Digest,
  emptyImageConfig,
  formatImageReference,
  hasCode,
  parseDigest,
  parseImageReference,
} from '../../model/index.ts';
import { withLock } from '../../sys/lock-file.ts';
import type { StoredImage } from '../types.ts';
import { blobLockPath, blobPath, imageLockPath, imageRecordPath, squashfsPath, storeLockPath } from './layout.ts';
import { noteNeededBlobs } from './needed-blobs.ts';
import { openStore, type Store } from './open-store.ts';

const now = new Date('2026-06-01T12:00:00Z');
const wait = { signal: new AbortController().signal };
const fail = (error: Error): never => assert.fail(error);

function digestOf(digit: string): Digest {
  return parseDigest(`sha256:${digit.repeat(64)}`)!;
}

function imageOf(digest: Digest, sizeBytes: number): StoredImage {
  return {
    digest,
    config: emptyImageConfig({ os: 'linux', architecture: 'amd64' }),
    layers: [],
    sizeBytes,
    entries: 1,
    converted: now.toISOString(),
  };
}

describe('a store', () => {
  let directory: string;
  let store: Store;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'slipway-store-'));
    store = await openStore(join(directory, 'a/store'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  /** Puts an image of these contents, under these names. */
  const put = async (digest: Digest, content: string, ...names: readonly string[]): Promise<void> => {
    await store.prepare();
    await store.withImage(digest, wait, async (image) => {
      const path = store.temporaryPath();
      await writeFile(path, content);
      await image.put(imageOf(digest, content.length), path);
      for (const name of names) await image.tag(parseImageReference(name), now);
    });
  };
  const tagNames = async (): Promise<readonly string[]> =>
    (await store.listTags(fail)).map((tag) => formatImageReference(tag.reference));

  test('that does not exist is empty, and looking makes nothing', async () => {
    assert.deepEqual(await store.listTags(fail), []);
    assert.deepEqual(await store.listImages(fail), []);
    assert.equal(await store.readImage(digestOf('a')), undefined);
    assert.deepEqual(await store.usage(), { imageBytes: 0, packBytes: 0, workBytes: 0, owners: [] });
    assert.throws(
      () => store.findImage('debian'),
      (error) => hasCode(error, 'image-not-found'),
    );
    assert.deepEqual(await readdir(directory), []);
  });

  test('gives back what was put', async () => {
    await put(digestOf('a'), 'squash', 'debian:12', 'debian:bookworm');
    assert.deepEqual(await store.readImage(digestOf('a')), imageOf(digestOf('a'), 6));
    assert.deepEqual(await store.listImages(fail), [imageOf(digestOf('a'), 6)]);
    assert.deepEqual(await tagNames(), ['docker.io/library/debian:12', 'docker.io/library/debian:bookworm']);
    assert.equal(await readFile(store.imagePath(digestOf('a')), 'utf8'), 'squash');
    const usage = await store.usage();
    assert.ok(usage.imageBytes > 6 && usage.workBytes === 0 && (usage.freeBytes ?? 0) > 0);
    assert.deepEqual(await readdir(join(store.path, 'locks')), []);
    assert.deepEqual(await readdir(join(store.path, 'tmp')), []);
  });

  test('made by a site keeps the modes that it was given', async () => {
    await mkdir(store.path, { recursive: true });
    await chmod(store.path, 0o2775);
    const umask = process.umask(0o002);
    try {
      await store.prepare();
    } finally {
      process.umask(umask);
    }
    assert.equal((await stat(store.path)).mode & 0o7777, 0o2775);
    assert.equal((await stat(join(store.path, 'images'))).mode & 0o777, 0o775);
  });

  test('of a version that is not known is refused', async () => {
    await put(digestOf('a'), 'squash', 'debian:12');
    await writeFile(join(store.path, 'version'), '7\n');
    await assert.rejects(openStore(store.path), (error) => hasCode(error, 'store-version-unknown'));
    await assert.rejects(store.prepare(), (error) => hasCode(error, 'store-version-unknown'));
  });

  test('refuses to put what does not fit its record', async () => {
    await store.prepare();
    await store.withImage(digestOf('a'), wait, async (image) => {
      const path = store.temporaryPath();
      await writeFile(path, 'squash');
      await assert.rejects(image.put(imageOf(digestOf('a'), 7), path));
      await assert.rejects(image.put(imageOf(digestOf('b'), 6), path));
    });
    assert.deepEqual(await readdir(join(store.path, 'images')), []);
  });

  test('lists what it can read and reports what is damaged', async () => {
    await put(digestOf('a'), 'squash', 'debian:12');
    await put(digestOf('b'), 'squash', 'debian:13');
    await writeFile(imageRecordPath(store.path, digestOf('a')), '{');
    const reports: string[] = [];
    const images = await store.listImages((error) => reports.push(error.code));
    assert.deepEqual(
      images.map((image) => image.digest),
      [digestOf('b')],
    );
    assert.deepEqual(reports, ['store-damaged']);
    assert.equal(await store.readWholeImage(digestOf('a')), undefined);
  });

  describe('remove', () => {
    test('takes a name, and with the last name the image', async () => {
      await put(digestOf('a'), 'squash', 'debian:12', 'debian:bookworm');
      const first = await store.remove('debian:12', wait);
      assert.deepEqual(first, { untagged: [parseImageReference('debian:12')], freedBytes: 0 });
      assert.equal(store.findImage('debian:bookworm').image.digest, digestOf('a'));
      const second = await store.remove('debian:bookworm', wait);
      const untagged = [parseImageReference('debian:bookworm')];
      assert.deepEqual(second, { untagged, removed: digestOf('a'), freedBytes: 6 });
      assert.deepEqual(await readdir(join(store.path, 'images')), []);
      await assert.rejects(store.remove('debian:bookworm', wait), (error) => hasCode(error, 'image-not-found'));
    });

    test('takes a digest, and with it all names', async () => {
      await put(digestOf('a'), 'squash', 'debian:12', 'debian:bookworm');
      await put(digestOf('b'), 'squash', 'debian:13');
      const { untagged, removed } = await store.remove('a'.repeat(12), wait);
      assert.deepEqual(untagged, [parseImageReference('debian:12'), parseImageReference('debian:bookworm')]);
      assert.equal(removed, digestOf('a'));
      assert.deepEqual(await tagNames(), ['docker.io/library/debian:13']);
    });

    test('waits while the image is being pulled, and follows a name that moves meanwhile', async () => {
      await put(digestOf('a'), 'old', 'debian:12');
      await put(digestOf('b'), 'new');
      let removal: ReturnType<Store['remove']> | undefined;
      await store.withImage(digestOf('a'), wait, async () => {
        const isWaiting = new Promise<void>((resolve) => {
          removal = store.remove('debian:12', { ...wait, emit: () => resolve() });
        });
        await isWaiting;
        await store.withImage(digestOf('b'), wait, (image) => image.tag(parseImageReference('debian:12'), now));
      });
      assert.equal((await removal)?.removed, digestOf('b'));
      assert.deepEqual(await tagNames(), []);
      assert.equal((await store.readImage(digestOf('a')))?.digest, digestOf('a'));
    });

    test('of what has no name takes those images only', async () => {
      await put(digestOf('a'), 'squash', 'debian:12');
      await put(digestOf('b'), 'squash');
      const removals = await store.removeUntagged(wait);
      assert.deepEqual(
        removals.map(({ removed }) => removed),
        [digestOf('b')],
      );
      assert.deepEqual(
        (await store.listImages(fail)).map((image) => image.digest),
        [digestOf('a')],
      );
    });
  });

  describe('sweep', () => {
    const makeOld = async (path: string): Promise<void> => {
      const old = new Date(now.getTime() - 25 * 3600 * 1000);
      await utimes(path, old, old);
    };
    const makeFile = async (path: string, isOld: boolean): Promise<string> => {
      await writeFile(path, 'x'.repeat(10));
      const recent = new Date(now.getTime() - 23 * 3600 * 1000);
      await utimes(path, recent, recent);
      if (isOld) await makeOld(path);
      return path;
    };

    test('removes what nobody has touched for a day, and keeps the rest', async () => {
      await store.prepare();
      const tmp = join(store.path, 'tmp');
      const kept = [
        await makeFile(join(tmp, 'elsewhere-00000000-1-1-000000000000'), false),
        await makeFile(blobPath(store.path, digestOf('1')), false),
        await makeFile(`${blobPath(store.path, digestOf('2'))}.part`, false),
        await makeFile(store.temporaryPath(), true),
      ];
      await makeFile(join(tmp, 'elsewhere-00000000-1-1-111111111111'), true);
      await makeFile(blobPath(store.path, digestOf('3')), true);
      await makeFile(`${blobPath(store.path, digestOf('4'))}.part`, true);
      await makeFile(join(store.path, 'blobs/sha256/strange'), true);
      assert.equal(await store.sweep(now, wait), 40);
      const left = await readdir(store.path, { recursive: true, withFileTypes: true });
      const paths = left.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      assert.deepEqual(paths.sort(), [...kept, join(store.path, 'version')].sort());
    });

    test('keeps old blobs that a living pull needs or somebody downloads', async () => {
      await store.prepare();
      const needed = await makeFile(blobPath(store.path, digestOf('1')), true);
      const locked = await makeFile(`${blobPath(store.path, digestOf('2'))}.part`, true);
      const lock = { what: 'it', ...wait };
      await withLock(imageLockPath(store.path, digestOf('a')), lock, async () => {
        await noteNeededBlobs(store.path, digestOf('a'), [digestOf('1')], wait.signal);
        await withLock(blobLockPath(store.path, digestOf('2')), lock, async () => {
          assert.equal(await store.sweep(now, wait), 0);
          assert.ok((await stat(needed)).isFile() && (await stat(locked)).isFile());
        });
      });
      // The note outlives its pull, which did not end it: it counts for nothing now.
      assert.equal(await store.sweep(now, wait), 20);
      assert.deepEqual(await readdir(join(store.path, 'pulls')), []);
    });

    test('removes a squashfs without a record, but not under one who is about to write it', async () => {
      await store.prepare();
      const path = await makeFile(squashfsPath(store.path, digestOf('a')), false);
      await withLock(imageLockPath(store.path, digestOf('a')), { what: 'it', ...wait }, async () => {
        assert.equal(await store.sweep(now, wait), 0);
      });
      assert.ok((await stat(path)).isFile());
      assert.equal(await store.sweep(now, wait), 10);
    });

    test('removes locks that a dead process prepared, and keeps those in use', async () => {
      await store.prepare();
      const locks = join(store.path, 'locks');
      await mkdir(join(locks, 'tags.lock.elsewhere-00000000-1-1-000000000000'));
      await makeOld(join(locks, 'tags.lock.elsewhere-00000000-1-1-000000000000'));
      await withLock(imageLockPath(store.path, digestOf('a')), { what: 'it', ...wait }, async () => {
        await makeOld(imageLockPath(store.path, digestOf('a')));
        await store.sweep(now, wait);
        assert.deepEqual(await readdir(locks), [`image-${'a'.repeat(64)}.lock`]);
      });
    });

    test('does nothing while another sweeps', async () => {
      await store.prepare();
      await makeFile(blobPath(store.path, digestOf('3')), true);
      await withLock(storeLockPath(store.path, 'sweep'), { what: 'it', ...wait }, async () => {
        assert.equal(await store.sweep(now, wait), 0);
      });
      assert.equal(await store.sweep(now, wait), 10);
    });
  });
});
