// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { finished } from '../records/testing/contract.ts';
import { ada, bob, root, startTestApp, type TestApp } from '../testing/test-app.ts';

let current: TestApp | undefined;
let directory = '';
afterEach(async () => {
  await current?.close();
  current = undefined;
  if (directory !== '') rmSync(directory, { recursive: true });
  directory = '';
});
async function start(config: Readonly<Record<string, unknown>> = {}): Promise<TestApp> {
  directory = mkdtempSync(join(tmpdir(), 'slipway-app-'));
  current = await startTestApp(directory, config);
  return current;
}

const pull = '/api/pull/sysa/docker/alpine%3A3/';
const initial =
  '{"id":"MISSING","system":"sysa","itype":"docker","tag":[],"status":"INIT","userACL":[],"groupACL":[],"ENV":"MISSING","ENTRY":"MISSING","WORKDIR":"MISSING","LABELS":"MISSING","last_pull":"MISSING","status_message":"MISSING"}';
const ready =
  '{"id":"abc1","system":"sysa","itype":"docker","tag":["alpine:3"],"status":"READY","userACL":[],"groupACL":[],"ENV":["A=1"],"ENTRY":["/e"],"WORKDIR":"/w","LABELS":"MISSING","last_pull":1795262400.0,"status_message":"Transferring image"}';

test('a pull: INIT, then its state, then READY, byte for byte', async () => {
  const { ask, finishPull } = await start();
  const first = await ask(pull, { method: 'POST' });
  assert.deepEqual([first.status, first.text], [200, initial]);
  assert.equal(first.headers['content-type'], 'application/json');
  assert.equal(first.headers['content-length'], String(initial.length));
  assert.match((await ask(pull, { method: 'POST' })).text, /"status":"PENDING".*"last_pull":1795262400\.0/);
  assert.equal((await ask('/api/queue/sysa/', { as: '' })).text, '{"list":[{"status":"PENDING","image":"alpine:3"}]}');
  await finishPull('abc1');
  assert.equal((await ask(pull, { method: 'POST' })).text, ready);
  assert.equal((await ask('/api/lookup/sysa/docker/alpine%3A3/')).text, ready);
  assert.equal((await ask('/api/list/sysa/')).text, `{"list":[${ready}]}`);
  assert.equal((await ask('/api/list/sysb')).text, '{"list":[]}');
  assert.equal((await ask('/api/queue/sysa')).text, '{"list":[]}');
});

test('a tag raw, encoded, with slashes, with and without the last slash', async () => {
  const { ask, finishPull } = await start();
  await ask('/api/pull/sysa/docker/docker.io/foo/bar:1', { method: 'POST' });
  await finishPull('abc1');
  for (const tag of ['docker.io%2Ffoo%2Fbar%3A1', 'docker.io/foo/bar:1', '%2F%2Fdocker.io%2Ffoo%2Fbar%3A1']) {
    for (const slash of ['', '/']) assert.equal((await ask(`/api/lookup/sysa/docker/${tag}${slash}`)).status, 200, tag);
  }
  await ask('/api/pull/sysa/docker/ubuntu', { method: 'POST' });
  await finishPull('abc2');
  assert.match((await ask('/api/lookup/sysa/docker/ubuntu%3Alatest/')).text, /"tag":\["ubuntu:latest"\]/);
  assert.match((await ask('/api/lookup/sysa/docker/ubuntu/')).text, /"tag":\["ubuntu:latest"\]/);
  const digest = `ubuntu@sha256:${'a'.repeat(64)}`;
  await ask(`/api/pull/sysa/docker/${encodeURIComponent(digest)}/`, { method: 'POST' });
  await finishPull('abc3');
  assert.equal((await ask(`/api/lookup/sysa/docker/${encodeURIComponent(digest)}/`)).status, 200);
  for (const bad of ['%', '%00', 'a%20b', 'x'.repeat(600), '']) {
    assert.equal((await ask(`/api/lookup/sysa/docker/${bad}`)).status, 404, bad);
  }
});

test('whatever is not served has the form of the original', async () => {
  const { ask } = await start();
  const missing = await ask('/api/lookup/sysa/docker/none%3A1/');
  const { request, ...rest } = JSON.parse(missing.text) as Record<string, unknown>;
  assert.equal(missing.status, 404);
  assert.equal(typeof request, 'string');
  assert.deepEqual(rest, {
    status: 404,
    error: 'image not found',
    message: 'Not Found: http://localhost:80/api/lookup/sysa/docker/none%3A1/',
  });
  assert.equal(missing.headers['content-type'], 'application/json');
  for (const as of ['', 'bad:ada:users', 'good', 'good:ada:users:x:y']) {
    for (const [path, method] of [
      ['/api/list/sysa/', 'GET'],
      ['/api/lookup/sysa/docker/a/', 'GET'],
      [pull, 'POST'],
      ['/api/expire/sysa/docker/a/', 'GET'],
      ['/api/autoexpire/sysa/', 'GET'],
      ['/api/metrics/sysa/', 'GET'],
      ['/api/doimport/sysa/custom/a/', 'POST'],
      ['/api/overview/sysa/', 'GET'],
      ['/api/pulls/sysa/', 'GET'],
      ['/api/cancel/sysa/docker/a/', 'POST'],
      ['/api/remove/sysa/docker/a/', 'POST'],
      ['/api/uilink/sysa/', 'GET'],
    ] as const) {
      const answer = await ask(path, { as, method });
      assert.equal(answer.status, 404, `${path} as "${as}"`);
      assert.match(answer.text, /"error":"Bad session or system"/);
    }
  }
  assert.match((await ask('/api/list/nosuch/')).text, /"error":"Bad session or system".*no system nosuch/);
  assert.equal((await ask('/api/nosuch/')).status, 404);
  assert.equal((await ask('/')).text, '{lookup,pull,expire,list}');
  assert.equal((await ask('/')).headers['content-type'], 'text/plain');
  assert.equal((await ask(pull, { method: 'POST', body: '{"allowed_uids":1' })).status, 404);
  assert.equal((await ask(pull, { method: 'POST', body: '{"allowed_uids":"x"}' })).status, 404);
  assert.equal((await ask(pull, { method: 'POST', body: ' '.repeat(70_000) })).status, 413);
});

test('within the timeout nothing is pulled again; after it, it is', async () => {
  const { ask, finishPull, pass } = await start({ PullUpdateTimeout: 100 });
  await ask(pull, { method: 'POST' });
  await finishPull('abc1');
  pass(99);
  assert.match((await ask(pull, { method: 'POST' })).text, /READY/);
  pass(2);
  assert.equal((await ask(pull, { method: 'POST' })).text, initial);
  // The old image is there while the new one comes.
  assert.equal((await ask('/api/lookup/sysa/docker/alpine%3A3/')).status, 200);
  assert.match((await ask(pull, { method: 'POST' })).text, /PENDING/);
  await finishPull('def2');
  const list = JSON.parse((await ask('/api/list/sysa/')).text) as { list: { id: string; tag: string[] }[] };
  const tags = Object.fromEntries(list.list.map(({ id, tag }) => [id, tag]));
  assert.deepEqual(tags, { abc1: [], def2: ['alpine:3'] });
});

test('a failure says why, stays for the timeout, and does not hide an image that is there', async () => {
  const { ask, failPull, finishPull, pass } = await start();
  await ask(pull, { method: 'POST' });
  await failPull('pull alpine:3: the registry has no such tag');
  const failed = await ask(pull, { method: 'POST' });
  assert.match(failed.text, /"status":"FAILURE".*"status_message":"pull alpine:3: the registry has no such tag"/);
  pass(299);
  assert.match((await ask(pull, { method: 'POST' })).text, /FAILURE/);
  pass(2);
  assert.match((await ask(pull, { method: 'POST' })).text, /INIT/);
  await finishPull('abc1');
  pass(400);
  await ask(pull, { method: 'POST' });
  await failPull('no');
  assert.match((await ask(pull, { method: 'POST' })).text, /FAILURE/);
  assert.equal((await ask('/api/lookup/sysa/docker/alpine%3A3/')).status, 200);
});

test('a clock that was set back leaves nothing stuck', async () => {
  const { ask, failPull, finishPull, pass } = await start();
  pass(86_400);
  await ask(pull, { method: 'POST' });
  await failPull('no');
  pass(-86_400);
  assert.match((await ask(pull, { method: 'POST' })).text, /INIT/);
  await finishPull('abc1');
  pass(-86_400);
  assert.match((await ask(pull, { method: 'POST' })).text, /INIT/);
});

test('access lists: who may see it, who is told nothing, what changes them', async () => {
  const { ask, finishPull, pass } = await start();
  const body = '{"allowed_uids":"1500,1501","allowed_gids":"3000"}';
  const secret = '/api/pull/sysa/docker/secret%3A1/';
  await ask(secret, { method: 'POST', body });
  await finishPull('abc1', { isPrivate: true });
  const own = await ask('/api/lookup/sysa/docker/secret%3A1/');
  assert.match(own.text, /"userACL":\[1500,1501,1000\],"groupACL":\[3000,1000\]/);
  // By a group that only the name service knows of.
  assert.equal((await ask('/api/lookup/sysa/docker/secret%3A1/', { as: bob })).status, 200);
  const eve = 'good:eve:users::4000:4000';
  for (const as of [eve, root]) {
    assert.match((await ask('/api/lookup/sysa/docker/secret%3A1/', { as })).text, /"error":"image not found"/);
    assert.equal((await ask('/api/list/sysa/', { as })).text, '{"list":[]}');
    const polled = await ask(secret, { as, method: 'POST' });
    assert.equal(polled.status, 404);
    assert.doesNotMatch(polled.text, /abc1|A=1/);
  }
  assert.match((await ask('/api/list/sysa/', { as: bob })).text, /abc1/);
  pass(11);
  assert.match((await ask(secret, { method: 'POST', body: '{"allowed_uids":"1500"}' })).text, /INIT/);
});

test('a public image ignores access lists, and asking with them does not pull it for ever', async () => {
  const { ask, finishPull } = await start();
  const body = '{"allowed_uids":"1500"}';
  await ask(pull, { method: 'POST', body });
  await finishPull('abc1', { isPrivate: false, userAcl: [], groupAcl: [] });
  assert.match((await ask(pull, { method: 'POST', body })).text, /"status":"READY","userACL":\[\]/);
});

test('expire and autoexpire: for administrators, said in the body', async () => {
  const { ask, finishPull, pass, records } = await start();
  await ask(pull, { method: 'POST' });
  await finishPull('abc1');
  assert.equal((await ask('/api/expire/sysa/docker/alpine%3A3/')).text, '{"status":false}');
  assert.equal((await ask('/api/autoexpire/sysa/')).text, '{"status":false}');
  assert.equal((await ask('/api/expire/sysa/docker/none%3A3/', { as: root })).text, '{"status":null}');
  // Never looked up: never expires by itself.
  pass(400 * 86_400);
  assert.equal((await ask('/api/autoexpire/sysa/', { as: root })).text, '{"status":[]}');
  await ask('/api/lookup/sysa/docker/alpine%3A3/');
  pass(86_300);
  assert.equal((await ask('/api/autoexpire/sysa/', { as: root })).text, '{"status":[]}');
  pass(200);
  assert.equal((await ask('/api/autoexpire/sysa/', { as: root })).text, '{"status":["abc1"]}');
  assert.equal((await ask('/api/lookup/sysa/docker/alpine%3A3/')).status, 404);
  const claim = await records.claim('x', 10);
  await records.finishExpiry(claim?.record.key ?? '', claim?.token ?? '');
  assert.match((await ask(pull, { method: 'POST' })).text, /INIT/);
  await finishPull('abc1');
  assert.equal((await ask('/api/expire/sysa/docker/alpine%3A3/', { as: root })).text, '{"status":true}');
});

test('metrics: of successful lookups, for administrators', async () => {
  const { ask, finishPull } = await start();
  await ask('/api/pull/sysa/docker/alpine/', { method: 'POST' });
  await finishPull('abc1');
  await ask('/api/lookup/sysa/docker/alpine/');
  await ask('/api/lookup/sysa/docker/none/');
  await ask('/api/lookup/sysa/docker/alpine/', { as: bob });
  assert.equal((await ask('/api/metrics/sysa/')).text, '[]');
  const row = (user: string, uid: number): string =>
    `{"user":"${user}","uid":${uid},"system":"sysa","type":"docker","tag":"alpine:latest","id":"abc1","time":1795262400.0}`;
  assert.equal((await ask('/api/metrics/sysa/', { as: root })).text, `[${row('ada', 1000)},${row('bob', 2000)}]`);
  assert.equal((await ask('/api/metrics/sysa/?limit=1', { as: root })).text, `[${row('bob', 2000)}]`);
});

test('imports: for those who may, of files with a path and a known form', async () => {
  const { ask, finishPull } = await start();
  const path = '/api/doimport/sysa/custom/mine%3A1/';
  const body = '{"filepath":"/data/x.squashfs","format":"squashfs"}';
  assert.match((await ask(path, { method: 'POST', body })).text, /ImportUsers/);
  for (const bad of [
    '',
    '{"filepath":"x","format":"squashfs"}',
    '{"filepath":"/x","format":"ext4"}',
    '{"filepath":"/x"}',
  ]) {
    assert.equal((await ask(path, { as: root, method: 'POST', body: bad })).status, 404, bad);
  }
  assert.match((await ask(path, { as: root, method: 'POST', body })).text, /"itype":"custom".*"status":"INIT"/);
  const record = await finishPull('abc9', { userAcl: null, groupAcl: null });
  assert.deepEqual([record.job, record.filePath, record.requester], ['import', '/data/x.squashfs', 'root']);
  assert.match((await ask('/api/lookup/sysa/custom/mine%3A1/')).text, /"userACL":null,"groupACL":null/);
});

test('one removes what is one’s own', async () => {
  const { ask, finishPull, records } = await start();
  const remove = '/api/remove/sysa/docker/alpine%3A3/';
  await ask(pull, { method: 'POST' });
  await finishPull('abc1');
  assert.match((await ask(remove, { as: bob, method: 'POST' })).text, /"status":false,"reason":"another user/);
  assert.equal((await ask('/api/remove/sysa/docker/none/', { method: 'POST' })).text, '{"status":null}');
  await ask(pull, { as: bob, method: 'POST' });
  assert.match((await ask(remove, { method: 'POST' })).text, /"status":false,"reason":"others/);
  await ask('/api/pull/sysa/docker/own%3A1/', { method: 'POST' });
  await finishPull('def1');
  assert.equal((await ask('/api/remove/sysa/docker/own%3A1/', { method: 'POST' })).text, '{"status":true}');
  assert.equal((await ask('/api/lookup/sysa/docker/own%3A1/')).status, 404);
  assert.equal((await records.claim('x', 10))?.record.job, 'expire');
  assert.equal((await ask(remove, { as: root, method: 'POST' })).text, '{"status":true}');
});

test('one cancels what one has asked for; those who wait are told, and soon it may be pulled', async () => {
  const { ask, records, pass, finishPull } = await start();
  const cancel = '/api/cancel/sysa/docker/alpine%3A3/';
  assert.equal((await ask(cancel, { method: 'POST' })).text, '{"status":null}');
  await ask(pull, { method: 'POST' });
  const claim = await records.claim('x', 30);
  assert.match((await ask(cancel, { as: bob, method: 'POST' })).text, /"status":false,"reason":"another user/);
  assert.equal((await ask(cancel, { method: 'POST' })).text, '{"status":true}');
  assert.equal(await records.renew(claim?.record.key ?? '', claim?.token ?? '', 30), false);
  assert.match((await ask(pull, { as: bob, method: 'POST' })).text, /"FAILURE".*"status_message":"cancelled by ada"/);
  pass(11);
  assert.match((await ask(pull, { as: bob, method: 'POST' })).text, /"status":"INIT"/);
  assert.equal((await ask(cancel, { as: root, method: 'POST' })).text, '{"status":true}');
  pass(11);
  await ask(pull, { method: 'POST' });
  await finishPull('abc1');
  assert.equal((await ask(cancel, { method: 'POST' })).text, '{"status":null}');
});

for (const jumpSec of [86_400 * 365, -86_400 * 365]) {
  test(`a clock that jumps by ${jumpSec} s loses nothing, doubles nothing and keeps nobody from pulling`, async () => {
    const { ask, records, pass, finishPull, failPull, nowSec } = await start();
    const other = '/api/pull/sysa/docker/other%3A1/';
    await ask(pull, { method: 'POST' });
    await finishPull('abc1');
    await ask(other, { method: 'POST' });
    await failPull('no such tag');
    await ask('/api/pull/sysa/docker/slow%3A1/', { method: 'POST' });
    const claim = await records.claim('x', 30);
    assert.ok(claim !== undefined);
    pass(jumpSec);
    // The image is there; it may be pulled again, once, since nobody knows how old it is.
    assert.equal((await ask('/api/lookup/sysa/docker/alpine%3A3/')).status, 200);
    assert.match((await ask(pull, { method: 'POST' })).text, /"INIT"/);
    assert.match((await ask(pull, { method: 'POST' })).text, /"PENDING"/);
    // The failure does not stick for a year.
    assert.match((await ask(other, { method: 'POST' })).text, /"INIT"/);
    // Whoever held a job goes on with it if he renews before others look; one job has one holder in any case.
    assert.equal(await records.renew(claim.record.key, claim.token, 30), true);
    const claims = [await records.claim('y', 30), await records.claim('y', 30), await records.claim('y', 30)];
    const keys = claims.flatMap((each) => (each === undefined ? [] : [each.record.pullTag]));
    assert.deepEqual(keys.sort(), ['alpine:3', 'other:1']);
    const again = claims.find((each) => each?.record.pullTag === 'alpine:3');
    const result = finished('abc1', { now: nowSec() });
    assert.equal(await records.finish(again?.record.key ?? '', again?.token ?? '', result), true);
    assert.equal((await records.listReady('sysa')).length, 1);
    assert.match((await ask(pull, { method: 'POST' })).text, /"READY"/);
  });
}

test('limits: requests a minute, pulls in flight', async () => {
  const { ask } = await start({ Limits: { requestsPerMinute: 20, pullsPerUser: 2 } });
  for (const tag of ['a', 'b'])
    assert.equal((await ask(`/api/pull/sysa/docker/${tag}/`, { method: 'POST' })).status, 200);
  const third = await ask('/api/pull/sysa/docker/c/', { method: 'POST' });
  assert.equal(third.status, 429);
  assert.match(third.text, /2 pulls in flight/);
  const states = [];
  for (let count = 0; count < 20; count += 1) states.push((await ask('/api/list/sysa/')).status);
  assert.equal(states.at(-1), 429);
  assert.equal((await ask('/api/list/sysa/', { as: bob })).status, 200);
});

test('clients that never come to an end keep nobody else from being served', async () => {
  const { app } = await start();
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const starts = [
    '',
    'GET /api/li',
    'GET / HTTP/1.1\r\nHost: x\r\nX-A',
    `POST ${pull} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{`,
  ];
  const sockets = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.on('error', () => undefined).write(starts[index % starts.length] ?? '');
      return socket;
    }),
  );
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/api/list/sysa/`, { headers: { authentication: ada } });
    assert.equal(await answer.text(), '{"list":[]}');
    // Each holds a socket, for a limited time, and nothing else.
    assert.ok(app.server.requestTimeout > 0 && app.server.requestTimeout <= 30_000);
    assert.ok(app.server.headersTimeout > 0 && app.server.maxConnections > 0);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

test('passwords are in no log and no answer', async () => {
  const { ask, log, records } = await start();
  const as = `good:ada:users:${encodeURIComponent('me:hunter2')}:1000:1000`;
  const texts = [(await ask(pull, { as, method: 'POST' })).text, (await ask(pull, { as, method: 'POST' })).text];
  await ask('/api/lookup/sysa/docker/none/', { as });
  await ask(pull, { as: `bad:${as}`, method: 'POST' });
  const claim = await records.claim('x', 10);
  assert.notEqual(claim?.sealedCredentials, null);
  assert.doesNotMatch(`${log()}${texts.join('')}${claim?.sealedCredentials}`, /hunter2/);
  assert.match(log(), /queued/);
});

test('operation: health, readiness, Prometheus, OpenAPI', async () => {
  const { ask, records } = await start();
  assert.equal((await ask('/health', { as: '' })).text, '{"status":"ok","version":"1.2.3"}');
  assert.equal((await ask('/ready', { as: '' })).status, 200);
  await ask('/api/list/sysa/', { as: ada });
  assert.match(
    (await ask('/metrics', { as: '' })).text,
    /slipway_gateway_requests_total\{route="\/api\/list",status="200"\} 1/,
  );
  const document = JSON.parse((await ask('/openapi.json', { as: '' })).text) as {
    openapi: string;
    paths: Record<string, Record<string, { summary: string }>>;
  };
  assert.equal(document.openapi, '3.1.0');
  const paths = Object.keys(document.paths).join(' ');
  // Whatever is referred to is there.
  const schemas = (document as unknown as { components: { schemas: object } }).components.schemas;
  for (const [, name = ''] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    assert.ok(name in schemas, name);
  }
  assert.match(JSON.stringify(document.paths['/api/doimport/{system}/{itype}/{tag}']), /requestBody.*filepath/);
  for (const mode of ['list', 'lookup', 'pull', 'doimport', 'expire', 'autoexpire', 'queue', 'metrics']) {
    assert.match(paths, new RegExp(`/api/${mode}/\\{system\\}`));
  }
  await records.close();
  assert.equal((await ask('/ready', { as: '' })).status, 503);
});
