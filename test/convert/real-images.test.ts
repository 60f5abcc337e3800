// SPDX-License-Identifier: Apache-2.0
// Real images, as umoci unpacks them and as we convert them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type RealImage, realImage } from '../support/images.ts';
import { needs } from '../support/needs.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { assertSameAsUmoci } from './round-trip.ts';

const commands = ['mmdebstrap', 'umoci', 'unsquashfs', 'getfattr', 'mount', '/usr/bin/time'];
const skip = needs({ commands, root: true, loopSquashfs: true });

const images: readonly { readonly name: RealImage; readonly minEntries: number; readonly large: boolean }[] = [
  { name: 'busybox', minEntries: 300, large: false },
  { name: 'debian-python', minEntries: 7000, large: false },
  { name: 'debian-node', minEntries: 10_000, large: true },
  { name: 'bookworm-science', minEntries: 40_000, large: true },
  { name: 'bullseye-science', minEntries: 40_000, large: true },
];

describe('a real image is the tree that umoci unpacks', { skip }, () => {
  for (const { name, minEntries, large } of images) {
    test(name, { skip: needs({ large }) }, async () => {
      const layout = await realImage(name);
      const { entries } = await assertSameAsUmoci(temporaryDirectory(), layout, 'latest', { xattrs: true });
      assert.ok(entries >= minEntries, `it has only ${entries} entries`);
    });
  }
});
