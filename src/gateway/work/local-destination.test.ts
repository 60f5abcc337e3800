// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { localDestination } from './local-destination.ts';

const id = 'ab'.repeat(32);
const meta = '# converted by Slipway\nFORMAT: squashfs\n';
const options = { signal: new AbortController().signal, onProgress: () => undefined };

test('an image that somebody else has left is replaced, and never vouched for', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'slipway-destination-'));
  try {
    const images = join(directory, 'images');
    const [image, metaPath] = [join(images, `${id}.squashfs`), join(images, `${id}.meta`)];
    mkdirSync(images);
    writeFileSync(image, 'foreign');
    writeFileSync(metaPath, 'FORMAT: squashfs\n');
    const destination = localDestination('here', images);
    const put = (path: string): Promise<void> => destination.putImage({ id, format: 'squashfs', path, meta }, options);
    assert.equal(await destination.sizeOf(id, 'squashfs', options.signal), undefined);

    await assert.rejects(put(join(directory, 'missing')), /ENOENT/);
    assert.deepEqual([readFileSync(image, 'utf8'), readFileSync(metaPath, 'utf8')], ['foreign', 'FORMAT: squashfs\n']);

    // What can't be taken away stays without our word for it.
    rmSync(image);
    mkdirSync(image);
    writeFileSync(join(directory, 'made'), 'made by Slipway');
    await assert.rejects(put(join(directory, 'made')));
    assert.equal(readFileSync(metaPath, 'utf8'), 'FORMAT: squashfs\n');
    rmSync(image, { recursive: true });

    writeFileSync(image, 'foreign');
    await put(join(directory, 'made'));
    assert.deepEqual([readFileSync(image, 'utf8'), readFileSync(metaPath, 'utf8')], ['made by Slipway', meta]);
    assert.equal(await destination.sizeOf(id, 'squashfs', options.signal), 15);
    assert.deepEqual(readdirSync(images).sort(), [`${id}.meta`, `${id}.squashfs`]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
