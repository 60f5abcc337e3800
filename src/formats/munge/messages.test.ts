// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  decodeCredentialAnswer,
  decodeEncodeAnswer,
  encodeDecodeRequest,
  encodeEncodeRequest,
  readMungeHeader,
} from './messages.ts';

// Bytes as munge 0.5.15 and its own clients exchanged them.
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

test('requests are those of the munge and unmunge commands', () => {
  assert.deepEqual(
    encodeEncodeRequest(Buffer.from('hi')),
    hex('00606d4b 04 02 00 00000016 01 01 01 00 00000000 ffffffff ffffffff 00000002 6869'),
  );
  assert.deepEqual(encodeDecodeRequest('MUNGE:x:'), hex('00606d4b 04 04 00 0000000d 00000009 4d554e47453a783a 00'));
});

test('an answer tells who made the credential', () => {
  const body = hex(
    '00 00 04 05 00 00 0000012c 04 7f000001 6b01f201 6b01f202 000003e8 00000064 ffffffff ffffffff 00000002 6869',
  );
  const answer = decodeCredentialAnswer(5, body);
  assert.deepEqual(
    { ...answer, payload: answer.payload.toString() },
    { status: 'success', text: '', uid: 1000, gid: 100, encodedAt: 0x6b01f201, payload: 'hi' },
  );
});

test('a refusal keeps its reason and, where munged sends it, the payload', () => {
  const rest = '04 05 00 00 0000012c 04 7f000001 6b01f201 6b01f202 000003e8 00000064 ffffffff ffffffff 00000002 6869';
  const replayed = decodeCredentialAnswer(5, hex(`11 00 ${rest}`));
  assert.equal(replayed.status, 'replayed');
  assert.equal(replayed.text, 'replayed credential');
  assert.equal(replayed.payload.toString(), 'hi');
  assert.equal(decodeCredentialAnswer(5, hex(`0f 00 ${rest}`)).status, 'expired');
  assert.equal(decodeCredentialAnswer(5, hex(`0b 00 ${rest}`)).status, 'invalid');
  assert.equal(decodeCredentialAnswer(5, hex(`12 00 ${rest}`)).status, 'unauthorized');
  assert.equal(decodeCredentialAnswer(5, hex(`03 02 6e6f ${rest}`)).text, 'no');
});

test('a credential loses its NUL', () => {
  assert.equal(decodeEncodeAnswer(3, hex('00 00 00000009 4d554e47453a783a 00')), 'MUNGE:x:');
  assert.throws(() => decodeEncodeAnswer(3, hex('02 04 62616400')), /^Error: bad$/);
  assert.throws(() => decodeEncodeAnswer(5, hex('00 00 00000000')), /type 5/);
});

test('other programs and other versions are told from munged', () => {
  assert.throws(() => readMungeHeader(Buffer.from('HTTP/1.1 400')), /not munged/);
  assert.throws(() => readMungeHeader(hex('00606d4b 05 05 00 00000001')), /version 5/);
  assert.throws(() => readMungeHeader(hex('00606d4b 04 05 00 7fffffff')), /announces/);
});

test('no bytes do more than be refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        const { payload } = decodeCredentialAnswer(5, Buffer.from(bytes));
        assert.ok(payload.length <= bytes.length);
      } catch (error) {
        assert.ok(error instanceof Error && /cut short/.test(error.message));
      }
    }),
  );
});
