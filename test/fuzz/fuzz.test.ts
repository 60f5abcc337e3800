// SPDX-License-Identifier: Apache-2.0
// The fuzzers of the formats, for a bounded time and from the same inputs; `node test/fuzz/fuzz.ts` looks further.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzz, fuzzTargets } from './fuzz.ts';

const inputs = { tar: 4000, layers: 1500, squashfs: 1500, manifest: 8000, reference: 20_000 } as const;

describe('whatever is read ends with an answer or a reason', () => {
  for (const target of fuzzTargets) {
    test(target.name, async () => {
      const limit = inputs[target.name as keyof typeof inputs];
      const { accepted, refused } = await fuzz(target, 1, (count) => count >= limit);
      // Neither way may be one that no input takes.
      assert.ok(accepted > limit / 50 && refused > limit / 50, `${accepted} accepted, ${refused} refused`);
    });
  }
});
