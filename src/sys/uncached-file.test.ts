// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { constants } from 'node:fs';
import { mkdtemp, open, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import * as fc from 'fast-check';
import { createUncachedFile } from './uncached-file.ts';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slipway-uncached-'));
  path = join(directory, 'file');
});
afterEach(() => rm(directory, { recursive: true }));

/** What a data area does: it goes on where it was, or takes a part back and goes on there; now and then it looks. */
const steps = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant('append'),
      lengths: fc.array(fc.integer({ min: 0, max: 900_000 }), { minLength: 1, maxLength: 4 }),
    }),
    fc.record({ do: fc.constant('rewind'), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({ do: fc.constant('read'), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({ do: fc.constant('truncate') }),
  ),
  { maxLength: 24 },
);

test('has what was written, wherever it begins and however much is taken back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 200_000 }), steps, async (start, taken) => {
      const file = await createUncachedFile(path);
      const expected = Buffer.alloc(64 * 1024 * 1024 + start);
      let [end, longest, seed] = [start, start, 0];
      await file.truncate(start);
      try {
        for (const step of taken) {
          const at = 'share' in step ? start + Math.floor((end - start) * step.share) : 0;
          if ('lengths' in step) {
            const chunks = step.lengths.map((length) => Buffer.alloc(length, `${++seed} of what is written `));
            const length = Buffer.concat(chunks).copy(expected, end);
            await file.write(chunks, end);
            for (const chunk of chunks) chunk.fill(0);
            end += length;
          } else if (step.do === 'rewind') {
            end = at;
          } else if (step.do === 'read') {
            // Two places at once, as when they are compared.
            const reads = [at, Math.max(start, end - 300_000)].map(async (from) => {
              const into = Buffer.alloc(Math.min(end - from, 300_000));
              assert.equal(await file.read(into, from), into.length);
              assert.ok(into.equals(expected.subarray(from, from + into.length)), 'what is read is what was written');
            });
            await Promise.all(reads);
          } else {
            await file.truncate(end);
            longest = end;
          }
          longest = Math.max(longest, end);
        }
        await file.flush();
      } finally {
        await file.close();
      }
      const found = await readFile(path);
      await rm(path);
      assert.equal(found.length, longest);
      assert.ok(found.subarray(0, end).equals(expected.subarray(0, end)), 'the file is what was written');
    }),
    { numRuns: 30 },
  );
});

test('reads beside reads find all that was written before', async () => {
  const file = await createUncachedFile(path);
  try {
    for (let round = 0; round < 100; round++) {
      const written = Buffer.alloc(700_000, `round ${round} `);
      await file.write([written], round * written.length);
      const found = await Promise.all(
        Array.from({ length: 4 }, async () => {
          const into = Buffer.alloc(written.length);
          return (await file.read(into, round * written.length)) === into.length && into.equals(written);
        }),
      );
      assert.deepEqual(found, [true, true, true, true]);
    }
  } finally {
    await file.close();
  }
});

test('goes past the page cache where the file system lets it', async (t) => {
  const probe = await open(join(directory, 'probe'), constants.O_CREAT | constants.O_WRONLY | constants.O_DIRECT).catch(
    () => undefined,
  );
  if (probe === undefined) return t.skip(`${directory} is on a file system without O_DIRECT`);
  await probe.close();
  const file = await createUncachedFile(path);
  try {
    assert.ok((await openFlags(path)).some((flags) => (flags & constants.O_DIRECT) !== 0));
  } finally {
    await file.close();
  }
  assert.deepEqual(await openFlags(path), []);
});

/** The flags of each descriptor of this process that is open on the file. */
async function openFlags(file: string): Promise<number[]> {
  const flags: number[] = [];
  for (const name of await readdir('/proc/self/fd')) {
    const target = await readlink(`/proc/self/fd/${name}`).catch(() => '');
    if (target !== file) continue;
    const info = await readFile(`/proc/self/fdinfo/${name}`, 'latin1');
    flags.push(Number.parseInt(/^flags:\s*(\d+)$/m.exec(info)?.[1] ?? '', 8));
  }
  return flags;
}
