// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { drain } from './drain.ts';

/** A stream of `count` pieces of 10 bytes, which then ends or fails. */
function pieces(count: number, failure?: Error): Readable {
  return Readable.from(
    (function* () {
      for (let index = 0; index < count; index++) yield Buffer.alloc(10, index);
      if (failure !== undefined) throw failure;
    })(),
  );
}

test('all bytes arrive in order, in batches, one write at a time', async () => {
  const batches: Buffer[] = [];
  let writing = 0;
  await drain(pieces(25), 40, async (chunks) => {
    writing += 1;
    assert.equal(writing, 1);
    await new Promise((resolve) => setImmediate(resolve));
    writing -= 1;
    return batches.push(Buffer.concat(chunks)) > 0;
  });
  const expected = Buffer.concat(Array.from({ length: 25 }, (_, index) => Buffer.alloc(10, index)));
  assert.deepEqual(Buffer.concat(batches), expected);
  assert.ok(batches.slice(0, -1).every(({ length }) => length >= 40 && length <= 90));
});

test('what came before a failure is written, then the failure is thrown', async () => {
  let written = 0;
  const write = (chunks: readonly Buffer[]): Promise<boolean> => {
    written += Buffer.concat(chunks).length;
    return Promise.resolve(true);
  };
  await assert.rejects(drain(pieces(7, new Error('cut')), 40, write), /^Error: cut$/);
  assert.equal(written, 70);
});

test('a stream that is destroyed without a word is a failure', async () => {
  const stream = new Readable({ read: () => undefined });
  stream.push('x');
  setImmediate(() => stream.destroy());
  await assert.rejects(
    drain(stream, 40, () => Promise.resolve(true)),
    { code: 'ERR_STREAM_PREMATURE_CLOSE' },
  );
});

test('a failing write destroys the stream, and so does a write that wants no more', async () => {
  const failing = pieces(1000);
  await assert.rejects(
    drain(failing, 40, () => Promise.reject(new Error('full'))),
    /^Error: full$/,
  );
  assert.ok(failing.destroyed);
  const satisfied = pieces(1000);
  let writes = 0;
  await drain(satisfied, 40, () => Promise.resolve(++writes < 2));
  assert.equal(writes, 2);
  assert.ok(satisfied.destroyed);
});

test('an empty stream is nothing to write', async () => {
  await drain(Readable.from([]), 40, () => Promise.reject(new Error('nothing was there')));
});
