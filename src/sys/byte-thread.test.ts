// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createByteThread } from './byte-thread.ts';

const reversing = new URL('testing/reversing-thread.ts', import.meta.url);
const start = (): ReturnType<typeof createByteThread> => createByteThread('reversing-thread', reversing.href);

test('bytes are turned one piece after the other, and the caller keeps its own', async () => {
  const thread = start();
  const memory = Buffer.from('..abc..');
  assert.equal(String(await thread.turn(memory.subarray(2, 5))), 'cba');
  assert.equal(String(await thread.turn(memory)), '..cba..');
  assert.equal(String(memory), '..abc..');
  thread.close();
});

test('what goes wrong in the thread is the error of the piece, and of what follows', async () => {
  const thread = start();
  await assert.rejects(thread.turn(Buffer.alloc(0)), /nothing to reverse/);
  await assert.rejects(thread.turn(Buffer.from('a')), /nothing to reverse/);
  thread.close();
});

test('a thread that is closed fails what is under way', async () => {
  const thread = start();
  const turned = assert.rejects(thread.turn(Buffer.from('abc')), /has ended/);
  thread.close();
  await turned;
  await assert.rejects(thread.turn(Buffer.from('abc')), /has ended/);
});

test('a module that is not there fails the first piece', async () => {
  const thread = createByteThread('no-such-thread', reversing.href);
  await assert.rejects(thread.turn(Buffer.from('abc')), /no-such-thread/);
});
