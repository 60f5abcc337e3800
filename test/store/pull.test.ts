// SPDX-License-Identifier: Apache-2.0
// Pulls by real processes from a real registry into one store: several at once, killed at any moment, looked at
// meanwhile. unsquashfs tells what an image holds.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore, type Store } from '../../src/image/index.ts';
import { blobLockPath, blobPath } from '../../src/image/store/layout.ts';
import { digestHex, type PullEvent } from '../../src/model/index.ts';
import { withLock } from '../../src/sys/lock-file.ts';
import { run, runOk } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { pushImage, type Registry, registryCommands, startRegistry } from '../support/registry.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { startWorker, type Worker } from './worker.ts';

const skip = needs({ commands: [...registryCommands, 'unsquashfs'] });
const wait = { signal: new AbortController().signal };
const fail = (error: Error): never => assert.fail(error);

type Outcome =
  | { readonly type: 'pulled'; readonly digest: string; readonly wasPresent: boolean; readonly sizeBytes: number }
  | { readonly type: 'failed'; readonly code: string; readonly message: string; readonly hint?: string };

function hash(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The bytes of a tar archive with one file of this content. */
async function tarOf(name: string, content: Buffer): Promise<Buffer> {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, name), content);
  await runOk(['tar', '-C', directory, '-cf', join(directory, 'out.tar'), name]);
  return readFileSync(join(directory, 'out.tar'));
}

describe('pulls', { skip }, () => {
  let registry: Registry;
  const contents = { base: randomBytes(4_000_000), one: randomBytes(1_500_000), two: randomBytes(1_500_000) };

  before(async () => {
    registry = await startRegistry();
    const base = await tarOf('base', contents.base);
    const layout = join(temporaryDirectory(), 'layout');
    for (const name of ['one', 'two'] as const) {
      writeLayout(layout, name, [{ layers: [base, await tarOf(name, contents[name])] }]);
      await pushImage({ layout, tag: name }, `${registry.address}/test/${name}:1`);
    }
  });

  const pull = (store: Store | string, name: 'one' | 'two', delayMs = 0): Worker =>
    startWorker('pull-worker.ts', [
      typeof store === 'string' ? store : store.path,
      `${registry.address}/test/${name}:1`,
      String(delayMs),
    ]);
  const said = (worker: Worker): readonly (PullEvent | Outcome)[] =>
    worker.lines().map((line) => JSON.parse(line) as PullEvent | Outcome);
  const outcomeOf = async (worker: Worker): Promise<Outcome> => {
    const { error } = await worker.ended;
    assert.equal(error, '');
    const last = said(worker).at(-1);
    assert.ok(last?.type === 'pulled' || last?.type === 'failed');
    return last;
  };
  const pulledBy = async (worker: Worker): Promise<Extract<Outcome, { type: 'pulled' }>> => {
    const outcome = await outcomeOf(worker);
    assert.equal(outcome.type, 'pulled', JSON.stringify(outcome));
    return outcome;
  };
  const newStore = async (): Promise<Store> => await openStore(join(temporaryDirectory(), 'store'));
  const hashInImage = async (image: string, name: string): Promise<string> => {
    const directory = temporaryDirectory();
    await runOk(['unsquashfs', '-no-progress', '-d', join(directory, 'out'), image, name]);
    return hash(readFileSync(join(directory, 'out', name)));
  };
  /** What pulls leave in a store only while they run. */
  const workFiles = (store: Store): readonly string[] =>
    ['tmp', 'pulls', 'locks', 'blobs/sha256', 'blobs/sha512'].flatMap((directory) =>
      readdirSync(join(store.path, directory)).map((name) => `${directory}/${name}`),
    );
  /** Every image that exists is whole, at any moment. */
  const checkImages = async (store: Store): Promise<number> => {
    const images = await store.listImages(fail);
    for (const image of images) {
      assert.equal(statSync(store.imagePath(image.digest)).size, image.sizeBytes);
      const { status } = await run(['unsquashfs', '-s', store.imagePath(image.digest)]);
      assert.equal(status, 0);
    }
    for (const tag of await store.listTags(fail)) assert.ok(images.some((image) => image.digest === tag.digest));
    return images.length;
  };

  test('of one image by four processes at once download and convert it once', async () => {
    const store = await newStore();
    const workers = Array.from({ length: 4 }, () => pull(store, 'one', 100));
    const outcomes = await Promise.all(workers.map(pulledBy));
    assert.equal(outcomes.filter((outcome) => !outcome.wasPresent).length, 1);
    const events = workers.flatMap(said);
    assert.equal(events.filter((event) => event.type === 'converting').length, 1);
    assert.equal(events.filter((event) => event.type === 'blob-done').length, 2);
    assert.equal(events.filter((event) => event.type === 'stored').length, 1);
    const found = store.findImage('test/one:1');
    assert.equal(await hashInImage(found.squashfsPath, 'base'), hash(contents.base));
    assert.equal(await hashInImage(found.squashfsPath, 'one'), hash(contents.one));
    assert.deepEqual(workFiles(store), []);
  });

  test(
    'of one image on several nodes do the work once',
    { skip: needs({ commands: ['unshare', 'mount'], root: true }) },
    async () => {
      const store = await newStore();
      const workers = Array.from({ length: 3 }, (_, node) => {
        // A node of its own by all that a lock can tell: name, boot, process numbers.
        const boot = join(temporaryDirectory(), 'boot-id');
        writeFileSync(boot, `${node}0000000-0000-4000-8000-000000000000\n`);
        const script = `hostname node${node}; mount --bind "$1" /proc/sys/kernel/random/boot_id; shift; exec "$@"`;
        const namespaces = ['unshare', '--uts', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
        const inNode = [...namespaces, 'sh', '-euc', script, 'sh', boot];
        const words = [store.path, `${registry.address}/test/one:1`, '300'];
        return startWorker('pull-worker.ts', words, {}, inNode);
      });
      const outcomes = await Promise.all(workers.map(pulledBy));
      assert.equal(outcomes.filter((outcome) => !outcome.wasPresent).length, 1);
      const events = workers.flatMap(said);
      assert.equal(events.filter((event) => event.type === 'converting').length, 1);
      const waited = events.flatMap((event) => (event.type === 'waiting-for-lock' ? [event.heldBy] : []));
      assert.ok(waited.length >= 2 && waited.every((holder) => /^process \d+ on node\d$/.test(holder)), waited.join());
      assert.deepEqual(workFiles(store), []);
    },
  );

  test('of two images on one base at once download the base once', async () => {
    const store = await newStore();
    const workers = [pull(store, 'one', 100), pull(store, 'two', 100)];
    await Promise.all(workers.map(pulledBy));
    const done = workers.flatMap(said).filter((event) => event.type === 'blob-done');
    assert.equal(done.filter((event) => !event.wasCached).length, 3);
    for (const name of ['one', 'two'] as const) {
      const found = store.findImage(`test/${name}:1`);
      assert.equal(await hashInImage(found.squashfsPath, 'base'), hash(contents.base));
      assert.equal(await hashInImage(found.squashfsPath, name), hash(contents[name]));
    }
    assert.deepEqual(workFiles(store), []);
  });

  test('keep the packs that they read, whoever wants room for packs of his own; others go, the longest unused first', async () => {
    const store = await newStore();
    const packs = (): readonly string[] => readdirSync(join(store.path, 'packs')).toSorted();
    await pulledBy(pull(store, 'two'));
    const [ofBase = ''] = store.findImage('test/two:1').image.layers.map(({ digest }) => digestHex(digest));
    const worker = pull(store, 'one', 1500);
    await worker.until((lines) => lines.filter((line) => line.includes('blob-done')).length === 2);
    assert.equal(packs().length, 3);
    await store.packs.evict({ maxBytes: 0 }, wait.signal);
    const kept = packs();
    assert.equal(kept.length, 2);
    assert.ok(kept.some((name) => name.startsWith(ofBase)));
    await pulledBy(worker);
    const { squashfsPath } = store.findImage('test/one:1');
    assert.equal(await hashInImage(squashfsPath, 'base'), hash(contents.base));
    assert.equal(await hashInImage(squashfsPath, 'one'), hash(contents.one));

    // The base was used a moment ago, though its pack is the older one.
    const sizes = kept.map((name) => statSync(join(store.path, 'packs', name)).size);
    const used = new Date();
    for (const name of kept) {
      const time = name.startsWith(ofBase) ? used : new Date(used.getTime() - 60_000);
      utimesSync(join(store.path, 'packs', name), time, time);
    }
    await store.packs.evict({ maxBytes: Math.max(...sizes) }, wait.signal);
    assert.deepEqual(
      packs().map((name) => name.slice(0, 64)),
      [ofBase],
    );
  });

  test('killed at any moment leave no half image, and the next one ends well and clears up', async () => {
    const store = await newStore();
    const start = performance.now();
    const reference = await newStore();
    const { digest } = await pulledBy(pull(reference, 'one', 30));
    const wholeMs = performance.now() - start;
    const expected = hash(readFileSync(reference.imagePath((await reference.listImages(fail))[0]!.digest)));

    let killed = 0;
    for (let round = 0; round < 10; round += 1) {
      const victims = [pull(store, 'one', 30), ...(round % 4 === 0 ? [pull(store, 'two', 30)] : [])];
      // Mostly after the start of Node, which is the same each time and touches nothing.
      await sleep(wholeMs * (0.25 + 0.75 * Math.random()));
      for (const victim of victims) victim.kill();
      for (const victim of victims) if ((await victim.ended).status === null) killed += 1;
      await checkImages(store);
      // Start again from nothing, or from what was downloaded.
      for (const image of await store.listImages(fail)) await store.remove(image.digest, wait);
    }
    assert.ok(killed > 0);

    const outcomes = [await pulledBy(pull(store, 'one')), await pulledBy(pull(store, 'two'))];
    assert.deepEqual(
      outcomes.map((outcome) => outcome.wasPresent),
      [false, false],
    );
    assert.equal(outcomes[0]?.digest, digest);
    assert.equal(await checkImages(store), 2);
    assert.equal(hash(readFileSync(store.findImage('test/one:1').squashfsPath)), expected);
    assert.deepEqual(workFiles(store), []);
    assert.deepEqual(
      readdirSync(join(store.path, 'images')).length,
      4,
      'a squashfs and a record for each image, nothing more',
    );
  });

  test('killed in the download go on from what was received', async () => {
    const store = await newStore();
    const blobs = join(store.path, 'blobs/sha256');
    const worker = pull(store, 'one', 60_000);
    // Two pieces: of the first alone a part may not be on the disk yet.
    await worker.until((lines) =>
      lines.some((line) => {
        const event = JSON.parse(line) as PullEvent | Outcome;
        return event.type === 'blob-progress' && event.doneBytes > 2_000_000;
      }),
    );
    worker.kill();
    await worker.ended;
    const kept = Math.max(...readdirSync(blobs).map((name) => statSync(join(blobs, name)).size));
    assert.ok(kept > 1_000_000);

    const next = pull(store, 'one');
    await pulledBy(next);
    // Progress is told after each piece of a megabyte, and nothing is told twice of what was there.
    const told = said(next).find((event) => event.type === 'blob-progress' && event.totalBytes > 2_000_000);
    assert.ok(told === undefined || (told.type === 'blob-progress' && told.doneBytes > kept), 'started from nothing');
    await checkImages(store);
    assert.deepEqual(workFiles(store), []);
  });

  test('and removals side by side never show a reader half an image', async () => {
    const store = await newStore();
    const stop = new AbortController();
    const reader = (async () => {
      let seen = 0;
      while (!stop.signal.aborted) {
        try {
          const found = store.findImage('test/one:1');
          const data = readFileSync(found.squashfsPath);
          assert.equal(data.length, found.image.sizeBytes);
          seen += 1;
        } catch (error) {
          // Absent, or removed between the record and the file: never damaged.
          const code = error instanceof Error && 'code' in error ? error.code : undefined;
          assert.ok(code === 'image-not-found' || code === 'ENOENT', String(error));
        }
        await sleep(1);
      }
      return seen;
    })();
    for (let round = 0; round < 3; round += 1) {
      await Promise.all([pulledBy(pull(store, 'one')), pulledBy(pull(store, 'one'))]);
      await sleep(20);
      const { removed } = await store.remove('test/one:1', wait);
      assert.ok(removed);
    }
    stop.abort();
    assert.ok((await reader) > 0);
    assert.deepEqual(workFiles(store), []);
    assert.deepEqual(readdirSync(join(store.path, 'images')), []);
  });

  test(
    'into a store that may not be written say so, unless the image is there',
    { skip: needs({ root: true }) },
    async () => {
      const store = await newStore();
      await pulledBy(pull(store, 'one'));
      const base = join(store.path, '..');
      chmodSync(base, 0o755);
      chmodSync(store.path, 0o755);
      const nobody = { uid: 65534, gid: 65534 };
      const pullAsNobody = (name: string): Worker =>
        startWorker('pull-worker.ts', [store.path, `${registry.address}/test/${name}:1`, '0'], nobody);
      assert.equal((await pulledBy(pullAsNobody('one'))).wasPresent, true);
      const refused = await outcomeOf(pullAsNobody('two'));
      assert.ok(refused.type === 'failed' && refused.code === 'store-not-writable', JSON.stringify(refused));
      assert.match(refused.message, /permission denied \(EACCES\)/);
      assert.match(refused.hint ?? '', /SLIPWAY_STORE/);
    },
  );

  test(
    'by two users into a store that a site has opened to both share what is there',
    { skip: needs({ root: true }) },
    async () => {
      const base = temporaryDirectory();
      chmodSync(base, 0o755);
      const path = join(base, 'store');
      mkdirSync(path);
      chownSync(path, 0, 65534);
      chmodSync(path, 0o2775);
      const pullAs = (uid: number, name: string): Worker =>
        startWorker('pull-worker.ts', [path, `${registry.address}/test/${name}:1`, '0', '002'], { uid, gid: 65534 });
      await pulledBy(pullAs(65533, 'one'));
      const store = await openStore(path);
      // A pull of the first user's was killed and left the beginning of a layer that the second needs.
      const part = `${blobPath(path, store.findImage('test/one:1').image.layers[0]!.digest)}.part`;
      writeFileSync(part, 'x', { mode: 0o600 });
      chownSync(part, 65533, 65534);
      await pulledBy(pullAs(65534, 'two'));
      assert.equal(await checkImages(store), 2);
      assert.deepEqual(workFiles(store), []);
      assert.equal(digestHex(store.findImage('test/one:1').image.digest).length, 64);
    },
  );

  describe('into a file system that is too small', { skip: needs({ root: true }) }, () => {
    const withSmallFileSystem = async (size: string, work: (directory: string) => Promise<void>): Promise<void> => {
      const directory = temporaryDirectory();
      await runOk(['mount', '-t', 'tmpfs', '-o', `size=${size}`, 'slipway-test', directory]);
      try {
        await work(directory);
      } finally {
        await runOk(['umount', directory]);
      }
    };
    /** Takes all the room there is. */
    const fill = (path: string): Promise<unknown> => run(['dd', 'if=/dev/zero', `of=${path}`, 'bs=64k']);

    test('are refused before they download', async () => {
      await withSmallFileSystem('8m', async (directory) => {
        const store = await openStore(join(directory, 'store'));
        const worker = pull(store, 'one');
        const refused = await outcomeOf(worker);
        assert.ok(refused.type === 'failed' && refused.code === 'store-space-short', JSON.stringify(refused));
        assert.equal(said(worker).filter((event) => event.type === 'blob-progress').length, 0);
        assert.deepEqual(workFiles(store), []);
      });
    });

    test('leave nothing when it fills up during the download, and go through once there is room', async () => {
      await withSmallFileSystem('24m', async (directory) => {
        const store = await openStore(join(directory, 'store'));
        await pulledBy(pull(store, 'one'));
        const baseBlob = store.findImage('test/one:1').image.layers[0]!.digest;
        await store.remove('test/one:1', wait);
        await store.packs.evict({ maxBytes: 0 }, wait.signal);
        const filler = join(directory, 'filler');
        let worker: Worker | undefined;
        // The pull has found enough room when it waits for a blob.
        await withLock(blobLockPath(store.path, baseBlob), { what: 'the test', ...wait }, async () => {
          const pulling = pull(store, 'one');
          worker = pulling;
          await pulling.until((lines) => lines.some((line) => line.includes('waiting-for-lock')));
          await fill(filler);
        });
        const refused = await outcomeOf(worker!);
        assert.ok(refused.type === 'failed' && refused.code === 'disk-full', JSON.stringify(refused));
        assert.match(refused.message, /\(ENOSPC\)$/);
        assert.deepEqual(workFiles(store), []);
        rmSync(filler);
        await pulledBy(pull(store, 'one'));
        assert.equal(await checkImages(store), 1);
      });
    });

    test('leave no image when it fills up during the conversion', async () => {
      await withSmallFileSystem('24m', async (directory) => {
        const store = await openStore(join(directory, 'store'));
        const worker = pull(store, 'one', 1000);
        await worker.until((lines) => lines.filter((line) => line.includes('blob-done')).length === 2);
        await fill(join(directory, 'filler'));
        // What the program that writes squashfs says of a full disk is its own affair.
        const refused = await outcomeOf(worker);
        assert.ok(refused.type === 'failed' && refused.code === 'disk-full');
        assert.deepEqual(
          workFiles(store).filter((name) => !name.startsWith('blobs/')),
          [],
        );
        assert.deepEqual(readdirSync(join(store.path, 'images')), []);
      });
    });
  });
});
