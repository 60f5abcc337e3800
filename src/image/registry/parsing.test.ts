// SPDX-License-Identifier: Apache-2.0
// The small readers of what a registry sends in headers and bodies.
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isLoopbackHost } from '../../sys/proxies.ts';
import { parseComplaint, readBounded } from './answers.ts';
import { registryAddresses } from './endpoint.ts';
import { parseNextPage, parseTagList } from './list-tags.ts';
import { isRangeWanted } from './open-blob.ts';
import { parseRetryAfter } from './retry.ts';

test('addresses: docker.io is served elsewhere, and only loopback may go without TLS', () => {
  const hrefs = (registry: string, plainHttp = false): readonly string[] =>
    registryAddresses(registry, plainHttp).map(({ href }) => href);
  assert.deepEqual(hrefs('docker.io'), ['https://registry-1.docker.io/v2/']);
  assert.deepEqual(hrefs('quay.io:8443'), ['https://quay.io:8443/v2/']);
  assert.deepEqual(hrefs('localhost:5000'), ['https://localhost:5000/v2/', 'http://localhost:5000/v2/']);
  assert.deepEqual(hrefs('[::1]:5000'), ['https://[::1]:5000/v2/', 'http://[::1]:5000/v2/']);
  assert.deepEqual(hrefs('quay.io', true), ['http://quay.io/v2/']);
});

test('loopback: addresses of this machine, and nothing that only looks so', () => {
  for (const host of ['localhost', 'LOCALHOST', '127.0.0.1', '127.9.9.9', '::1', '[::1]'])
    assert.ok(isLoopbackHost(host), host);
  for (const host of [
    '127.example.com',
    '127.0.0.1.example.com',
    '128.0.0.1',
    'localhost.example.com',
    '0.0.0.0',
    '::2',
    '',
  ]) {
    assert.ok(!isLoopbackHost(host), host);
  }
});

test('Retry-After: seconds or a date', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  assert.equal(parseRetryAfter('7', now), 7000);
  assert.equal(parseRetryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now), 30_000);
  assert.equal(parseRetryAfter('Thu, 01 Jan 2020 00:00:30 GMT', now), 0);
  for (const value of [undefined, '', '-1', '1.5', 'soon', '99999999999999']) {
    assert.equal(parseRetryAfter(value, now), undefined, value);
  }
});

test('Content-Range: only what was asked for', () => {
  assert.ok(isRangeWanted('bytes 5-9/10', 5, 10));
  assert.ok(isRangeWanted('bytes 5-7/*', 5, 10));
  for (const value of [
    undefined,
    '',
    'bytes 4-9/10',
    'bytes 5-10/10',
    'bytes 5-9/11',
    'bytes */10',
    'items 5-9/10',
    'bytes 5-/10',
  ]) {
    assert.ok(!isRangeWanted(value, 5, 10), value);
  }
});

test('pages: the next one is a query of this repository, wherever the link points', () => {
  assert.equal(parseNextPage(['</v2/app/tags/list?last=b&n=2>; rel="next"']), 'tags/list?last=b&n=2');
  assert.equal(parseNextPage(['<https://evil.example/v2/other/tags/list?last=b>; rel=next']), 'tags/list?last=b');
  assert.equal(parseNextPage(['<?x=1>; title="a"; rel="next"']), 'tags/list?x=1');
  for (const value of ['', '</v2/app/tags/list?last=b>; rel="prev"', '<>; rel="next"', 'nonsense']) {
    assert.equal(parseNextPage([value]), undefined, value);
  }
});

test('tags: a list, null for none, and nothing that is no tag', () => {
  assert.deepEqual(parseTagList('{"name":"a","tags":["1","\\u001b[2J",7,"latest"]}'), ['1', 'latest']);
  assert.deepEqual(parseTagList('{"tags":null}'), []);
  for (const text of ['', '[]', 'null', '{}', '{"tags":{}}']) assert.equal(parseTagList(text), undefined, text);
});

test('complaints: in the forms that registries use', () => {
  const said = (text: string, type = 'application/json'): string => parseComplaint(text, type).detail;
  assert.equal(said('{"errors":[{"code":"DENIED","message":"go away"},{"code":"X"}]}'), ': go away; X');
  assert.equal(said('{"details":"incorrect username or password"}'), ': incorrect username or password');
  assert.equal(said('Too many requests\n', 'text/plain; charset=utf-8'), ': Too many requests');
  assert.equal(said('<html>', 'text/html'), '');
  assert.deepEqual(parseComplaint('{"errors":[{"code":"NAME_UNKNOWN"}]}', '').codes, ['NAME_UNKNOWN']);
});

test('complaints: any text is read, short and without control characters', () => {
  const json = fc.jsonValue().map((value) => JSON.stringify({ errors: value, message: value }));
  const bytes = fc.uint8Array().map((values) => Buffer.from(values).toString('latin1'));
  const long = fc.integer({ min: 300, max: 70_000 }).map((length) => 'x'.repeat(length));
  const text = fc.oneof(bytes, json, long);
  fc.assert(
    fc.property(text, fc.constantFrom('text/plain', 'application/json'), (body, type) => {
      const { codes, detail } = parseComplaint(body, type);
      assert.ok(detail.length < 1000 && codes.length <= 3);
      assert.doesNotMatch(detail, /[\u0000-\u001f\u007f]/);
    }),
  );
});

test('a body longer than its bound is not read further', async () => {
  let pulled = 0;
  const body = Readable.from(
    (function* () {
      for (;;) {
        pulled += 1;
        yield Buffer.alloc(1000);
      }
    })(),
    { objectMode: false, highWaterMark: 1 },
  );
  assert.equal(await readBounded(body, 10_000), undefined);
  assert.ok(body.destroyed);
  assert.ok(pulled < 20, `${pulled} pieces were made`);
  assert.deepEqual(await readBounded(Readable.from([Buffer.from('ab'), Buffer.from('c')]), 3), Buffer.from('abc'));
});
