// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { describe, test } from 'node:test';
import {
  type Digest,
  digestHex,
  emptyImageConfig,
  hasCode,
  parseDigest,
  parseImageReference,
} from '../../model/index.ts';
import type { StoredImage } from '../types.ts';
import { imageRecordPath, squashfsPath, tagRecordPath, versionPath } from './layout.ts';
import { resolveStored, type StoreReader } from './lookup.ts';
import { formatStoredImage, formatStoredTag } from './records.ts';

const store = '/store';

function digestOf(text: string): Digest {
  return parseDigest(`sha256:${createHash('sha256').update(text).digest('hex')}`)!;
}

/** A store that exists as values; `reads` lists what was asked of it. */
class Shelf implements StoreReader {
  readonly files = new Map<string, string>([[versionPath(store), '1\n']]);
  readonly reads: string[] = [];

  addImage(name: string, more: Partial<StoredImage> = {}): Digest {
    const digest = more.digest ?? digestOf(name);
    const image: StoredImage = {
      digest,
      config: emptyImageConfig({ os: 'linux', architecture: 'amd64' }),
      layers: [],
      sizeBytes: 4096,
      entries: 1,
      converted: '2026-01-01T00:00:00.000Z',
      ...more,
    };
    this.files.set(imageRecordPath(store, digest), formatStoredImage(image));
    return digest;
  }

  add(name: string, digest: Digest = this.addImage(name)): Digest {
    const reference = parseImageReference(name);
    this.files.set(
      tagRecordPath(store, reference),
      formatStoredTag({ reference, digest, pulled: '2026-01-01T00:00:00.000Z' }),
    );
    return digest;
  }

  readonly readText = (path: string): string | undefined => {
    this.reads.push(path);
    return this.files.get(path);
  };

  readonly listDirectory = (path: string): readonly string[] => {
    this.reads.push(`${path}/`);
    return [...this.files.keys()].filter((file) => dirname(file) === path).map((file) => basename(file));
  };

  find(text: string): Digest {
    return resolveStored(text, store, this).image.digest;
  }
}

describe('resolveStored', () => {
  test('finds a full name by reading three files and listing nothing', () => {
    const shelf = new Shelf();
    const digest = shelf.add('debian:12');
    const found = resolveStored('docker.io/library/debian:12', store, shelf);
    assert.equal(found.image.digest, digest);
    assert.equal(found.squashfsPath, squashfsPath(store, digest));
    assert.deepEqual(found.tag?.reference, parseImageReference('debian:12'));
    assert.deepEqual(shelf.reads, [
      versionPath(store),
      tagRecordPath(store, parseImageReference('debian:12')),
      imageRecordPath(store, digest),
    ]);
  });

  test('understands docker.io, library and latest', () => {
    const shelf = new Shelf();
    const digest = shelf.add('docker.io/library/debian:latest');
    assert.equal(shelf.find('debian'), digest);
    assert.equal(shelf.find('docker://debian'), digest);
    assert.equal(shelf.find('library/debian:latest'), digest);
    assert.throws(
      () => shelf.find('debian:12'),
      (error) => hasCode(error, 'image-not-found'),
    );
  });

  test('finds a name too long for a file name', () => {
    const shelf = new Shelf();
    const name = `r.example/${'abcdefgh/'.repeat(25)}end`;
    const digest = shelf.add(`${name}:${'t'.repeat(100)}1`);
    shelf.add(`${name}:${'t'.repeat(100)}2`);
    assert.equal(shelf.find(`${name}:${'t'.repeat(100)}1`), digest);
    assert.equal(shelf.find(`${'abcdefgh/'.repeat(25)}end:${'t'.repeat(100)}1`), digest);
    for (const file of shelf.files.keys()) assert.ok(basename(file).length <= 255);
  });

  test('finds by digest: of the image, of its index, and as a name that was pulled by digest', () => {
    const shelf = new Shelf();
    const indexDigest = digestOf('index');
    const digest = shelf.addImage('image', { indexDigest });
    shelf.addImage('other');
    for (const text of [`any@${digest}`, `any:1@${digest}`, `any@${indexDigest}`, digest, indexDigest]) {
      const found = resolveStored(text, store, shelf);
      assert.equal(found.image.digest, digest, text);
      assert.equal(found.tag, undefined);
    }
    shelf.add(`r.example/x@${indexDigest}`, digest);
    assert.ok(resolveStored(`r.example/x@${indexDigest}`, store, shelf).tag);
  });

  test('finds by the first 12 digits of a digest, but not by 11', () => {
    const shelf = new Shelf();
    const digest = shelf.addImage('image');
    assert.equal(shelf.find(digestHex(digest).slice(0, 12)), digest);
    assert.equal(shelf.find(digest.slice(0, 'sha256:'.length + 20)), digest);
    assert.throws(
      () => shelf.find(digestHex(digest).slice(0, 11)),
      (error) => hasCode(error, 'image-not-found'),
    );
  });

  test('refuses digits that begin two digests, and names both', () => {
    const shelf = new Shelf();
    const one = shelf.addImage('1', { digest: parseDigest(`sha256:${'ab'.repeat(31)}01`)! });
    const two = shelf.addImage('2', { digest: parseDigest(`sha256:${'ab'.repeat(31)}02`)! });
    assert.throws(
      () => shelf.find('ab'.repeat(6)),
      (error) => hasCode(error, 'image-ambiguous') && error.message.includes(one) && error.message.includes(two),
    );
  });

  test('prefers a name to digits', () => {
    const shelf = new Shelf();
    shelf.addImage('1', { digest: parseDigest(`sha256:${'ab'.repeat(32)}`)! });
    const named = shelf.add('abababababab');
    assert.equal(shelf.find('abababababab'), named);
  });

  test('finds repository and tag in any registry', () => {
    const shelf = new Shelf();
    const digest = shelf.add('127.0.0.1:5000/sci/python:3.11');
    assert.equal(shelf.find('sci/python:3.11'), digest);
    for (const text of ['python:3.11', 'sci/python', 'docker.io/sci/python:3.11', 'other.example/sci/python:3.11']) {
      assert.throws(
        () => shelf.find(text),
        (error) => hasCode(error, 'image-not-found'),
        text,
      );
    }
  });

  test('finds a plain name at the top of a registry or in its library', () => {
    for (const name of ['r.example/python', 'r.example/library/python']) {
      const shelf = new Shelf();
      const digest = shelf.add(name);
      assert.equal(shelf.find('python'), digest, name);
    }
    const shelf = new Shelf();
    shelf.add('r.example/sci/python');
    assert.throws(
      () => shelf.find('python'),
      (error) => hasCode(error, 'image-not-found'),
    );
  });

  test('refuses a name that two registries have, unless it is one image', () => {
    const shelf = new Shelf();
    const digest = shelf.add('a.example/sci/python:3');
    shelf.add('b.example/sci/python:3', digest);
    assert.equal(shelf.find('sci/python:3'), digest);
    shelf.add('c.example/sci/python:3');
    assert.throws(
      () => shelf.find('sci/python:3'),
      (error) =>
        hasCode(error, 'image-ambiguous') &&
        error.message.includes('a.example/sci/python:3, b.example/sci/python:3, c.example/sci/python:3'),
    );
  });

  test('says how to get what is not there, and what may have been meant', () => {
    const shelf = new Shelf();
    shelf.add('r.example/sci/python:3.11');
    shelf.add('debian:12');
    const hintFor = (text: string): string | undefined => {
      try {
        shelf.find(text);
      } catch (error) {
        if (hasCode(error, 'image-not-found')) return error.hint;
        throw error;
      }
      return undefined;
    };
    assert.equal(
      hintFor('sci/python:3.12'),
      'pull it: slipway pull sci/python:3.12; or did you mean r.example/sci/python:3.11?',
    );
    assert.equal(hintFor('debain:12'), 'pull it: slipway pull debain:12; or did you mean debian:12?');
    assert.equal(hintFor('ubuntu:24.04'), 'pull it: slipway pull ubuntu:24.04');
  });

  test('treats a name whose image is gone as absent', () => {
    const shelf = new Shelf();
    shelf.files.delete(imageRecordPath(store, shelf.add('debian:12')));
    assert.throws(
      () => shelf.find('debian:12'),
      (error) => hasCode(error, 'image-not-found'),
    );
  });

  test('refuses a store of another version, and takes one that does not exist for empty', () => {
    const shelf = new Shelf();
    shelf.add('debian:12');
    shelf.files.set(versionPath(store), '2\n');
    assert.throws(
      () => shelf.find('debian:12'),
      (error) => hasCode(error, 'store-version-unknown') && error.message.includes('"2"'),
    );
    shelf.files.clear();
    assert.throws(
      () => shelf.find('debian:12'),
      (error) => hasCode(error, 'image-not-found'),
    );
  });

  test('refuses a damaged record by its path, and the record of another image', () => {
    const shelf = new Shelf();
    const digest = shelf.add('debian:12');
    const path = imageRecordPath(store, digest);
    const damages = [
      '',
      '{',
      '[]',
      '{}',
      'null',
      shelf.files.get(path)!.replace(/"sizeBytes": \d+/, '"sizeBytes": -1'),
    ];
    shelf.addImage('other');
    damages.push(shelf.files.get(imageRecordPath(store, digestOf('other')))!);
    for (const damage of damages) {
      shelf.files.set(path, damage);
      assert.throws(
        () => shelf.find('debian:12'),
        (error) => hasCode(error, 'store-damaged') && error.message.includes(path),
        damage,
      );
    }
  });
});
