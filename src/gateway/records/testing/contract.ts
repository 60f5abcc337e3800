// SPDX-License-Identifier: Apache-2.0
// What every place that keeps records must do alike, on two views of one empty database, as two gateways have them.
import assert from 'node:assert/strict';
import type { FinishedPull, ImageRecord, NewPull, Records } from '../types.ts';

const name = { system: 'perlmutter', itype: 'docker', tag: 'debian:12' };

export function newPull(changes: Partial<NewPull> = {}): NewPull {
  return {
    system: name.system,
    itype: name.itype,
    pullTag: name.tag,
    format: 'squashfs',
    userAcl: [],
    groupAcl: [],
    requesterUid: 1000,
    requester: 'ada',
    filePath: null,
    job: 'pull',
    now: 100,
    sealedCredentials: 'sealed',
    ...changes,
  };
}

export function finished(id: string, changes: Partial<FinishedPull> = {}): FinishedPull {
  return {
    facts: { id, env: ['PATH=/bin'], entry: ['/init'], cmd: [], workdir: '/srv', labels: { a: 'b' }, sizeBytes: 4096 },
    isPrivate: false,
    userAcl: [],
    groupAcl: [],
    statusMessage: 'Transferring image',
    now: 110,
    ...changes,
  };
}

/** Starts a pull and brings it to its end. */
export async function pullDone(records: Records, pull: Partial<NewPull>, id: string): Promise<void> {
  await records.startPull(newPull(pull));
  const claim = await records.claim('me', 30);
  assert.ok(claim !== undefined);
  assert.equal(await records.finish(claim.record.key, claim.token, finished(id)), true);
}

export type ContractTest = {
  readonly title: string;
  readonly body: (one: Records, two: Records) => Promise<void>;
};

/** The tests, for a test file to run each under its own name. */
export function contractTests(): readonly ContractTest[] {
  const tests: ContractTest[] = [];
  const check = (title: string, body: ContractTest['body']): void => void tests.push({ title, body });

  check('of many who start a pull, one does', async (one, two) => {
    const started = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : two).startPull(newPull({ now: 100 + index }))),
    );
    assert.equal(started.filter(({ isNew }) => isNew).length, 1);
    assert.equal(new Set(started.map(({ record }) => record.key)).size, 1);
    const attempt = await two.findAttempt(name);
    assert.equal(attempt?.status, 'PENDING');
    assert.deepEqual(await one.findReady(name), undefined);
    assert.deepEqual(
      (await one.listUnfinished(name.system)).map(({ pullTag }) => pullTag),
      [name.tag],
    );
    assert.deepEqual(await one.listUnfinished('elsewhere'), []);
  });

  check('a job has one holder, and only the holder writes', async (one, two) => {
    await one.startPull(newPull());
    const claims = await Promise.all([one.claim('a', 30), two.claim('b', 30), one.claim('a', 30), two.claim('b', 30)]);
    const [claim, ...others] = claims.filter((each) => each !== undefined);
    assert.ok(claim !== undefined && others.length === 0);
    assert.equal(claim.sealedCredentials, 'sealed');
    assert.equal(claim.record.attempts, 1);
    const { key } = claim.record;
    assert.equal(await two.update(key, 'not the token', { status: 'READY' }), false);
    const progress = { doneBytes: 1, totalBytes: 2, layers: [{ digest: 'sha256:x', doneBytes: 1, totalBytes: 2 }] };
    assert.equal(await one.update(key, claim.token, { status: 'PULLING', statusMessage: 'x', progress }), true);
    const seen = await two.get(key);
    assert.equal(seen?.status, 'PULLING');
    assert.deepEqual(seen?.progress, progress);
    assert.equal(await one.renew(key, claim.token, 30), true);

    await two.releaseOwner('nobody');
    assert.equal(await two.claim('b', 30), undefined);
    assert.deepEqual([...(await two.owners())].sort(), [claims[0] === undefined ? 'b' : 'a']);
    await two.releaseOwner('a');
    await two.releaseOwner('b');
    const taken = await two.claim('c', 30);
    assert.equal(taken?.record.key, key);
    assert.equal(taken?.record.attempts, 2);
    assert.equal(await one.renew(key, claim.token, 30), false);
    assert.equal(await one.finish(key, claim.token, finished('1')), false);
    assert.equal(await two.handOver(key, taken?.token ?? ''), true);
    assert.equal((await two.get(key))?.attempts, 1);
  });

  check('a lease that runs out is taken over', async (one, two) => {
    await one.startPull(newPull());
    const late = await one.claim('a', -1);
    assert.equal(await two.claim('b', 30, [late?.record.key ?? '']), undefined);
    const next = await two.claim('b', 30);
    assert.equal(next?.record.key, late?.record.key);
    assert.equal(await one.update(late?.record.key ?? '', late?.token ?? '', { status: 'READY' }), false);
  });

  check('a lease that no clock can have meant is not believed', async (one, two) => {
    await one.startPull(newPull());
    await one.claim('a', 86_400);
    assert.notEqual(await two.claim('b', 30), undefined);
  });

  check('a finished pull is READY under its tag', async (one, two) => {
    const before = await two.generation(name.system);
    await pullDone(one, {}, 'abc');
    assert.notEqual(await two.generation(name.system), before);
    const found = await two.findReady(name);
    assert.ok(found !== undefined);
    assert.deepEqual(found.tags, [name.tag]);
    assert.deepEqual(found.facts, finished('abc').facts);
    assert.equal(found.isPrivate, false);
    assert.equal(found.lastPull, 110);
    assert.equal(found.job, null);
    assert.equal(found.progress, null);
    assert.equal(await two.findAttempt(name), undefined);
    assert.equal(await two.findReady({ ...name, itype: 'custom' }), undefined);
    assert.equal(await two.tagOwner(name), 1000);
    assert.equal(await two.claim('b', 30), undefined);
  });

  check('what has changed since a generation is told, or all of it', async (one, two) => {
    const { system } = name;
    const told = async (records: Records, since: string | undefined): Promise<readonly unknown[]> => {
      const { isWhole, ready, gone } = await records.readyChanges(system, since);
      const tags = ready.map((record) => `${record.facts?.id}=${record.tags.join()}`);
      return [isWhole || since === undefined, tags.sort(), gone];
    };
    const now = async (): Promise<string> => await two.generation(system);
    const isCounted = one.kind !== 'mongodb';
    await pullDone(one, {}, 'abc');
    assert.deepEqual(await told(two, undefined), [true, ['abc=debian:12'], []]);
    const first = await now();
    await pullDone(one, { pullTag: 'other:1' }, 'def');
    assert.deepEqual(
      await told(two, first),
      isCounted ? [false, ['def=other:1'], []] : [true, ['abc=debian:12', 'def=other:1'], []],
    );
    if (!isCounted) return;
    const second = await now();
    // The tag moves: both its images have changed.
    await pullDone(two, {}, 'def');
    assert.deepEqual(await told(one, second), [false, ['abc=', 'def=other:1,debian:12'], []]);
    const third = await now();
    const abc = (await one.listReady(system)).find(({ facts }) => facts?.id === 'abc');
    await one.startExpiry(abc?.key ?? '', 200);
    assert.deepEqual(await told(two, third), [false, [], [abc?.key]]);
    const claim = await two.claim('b', 30);
    await two.finishExpiry(claim?.record.key ?? '', claim?.token ?? '');
    assert.deepEqual(await told(two, await now()), [false, [], []]);
    // Its row goes, with what it could tell: whoever has not asked since third is told everything.
    await one.startPull(newPull());
    assert.deepEqual(await told(two, third), [true, ['def=other:1,debian:12'], []]);
    assert.deepEqual(await told(two, '99'), [true, ['def=other:1,debian:12'], []]);
  });

  check('two tags of one image are one record, and a tag moves', async (one, two) => {
    await pullDone(one, {}, 'abc');
    await pullDone(two, { pullTag: 'debian:latest' }, 'abc');
    const [only, ...others] = await one.listReady(name.system);
    assert.equal(others.length, 0);
    assert.deepEqual([...(only?.tags ?? [])].sort(), ['debian:12', 'debian:latest']);
    await pullDone(one, { pullTag: 'debian:latest', requesterUid: 2000 }, 'def');
    const ready = await two.listReady(name.system);
    const tags = (id: string): readonly string[] | undefined => ready.find(({ facts }) => facts?.id === id)?.tags;
    assert.deepEqual([tags('abc'), tags('def')], [['debian:12'], ['debian:latest']]);
    assert.equal(await one.tagOwner({ ...name, tag: 'debian:latest' }), null);
  });

  check('a failure stays until it is purged or tried again', async (one, two) => {
    await one.startPull(newPull());
    const claim = await one.claim('a', 30);
    assert.equal(await one.fail(claim?.record.key ?? '', claim?.token ?? '', 'no such tag', 120), true);
    const failed = await two.findAttempt(name);
    assert.deepEqual([failed?.status, failed?.statusMessage, failed?.job], ['FAILURE', 'no such tag', null]);
    assert.equal(await two.purgeFailures({ before: 50, after: 1000 }), 0);
    const second = await two.startPull(newPull({ now: 200 }));
    assert.equal(second.isNew, true);
    assert.equal((await one.listUnfinished(undefined)).length, 1);
    const again = await two.claim('a', 30);
    await two.fail(again?.record.key ?? '', again?.token ?? '', 'x', 200);
    assert.equal(await one.purgeFailures({ before: 201, after: 1000 }), 1);
    assert.equal(await one.findAttempt(name), undefined);
  });

  check('a pull that is cancelled ends at once, whoever holds it', async (one, two) => {
    const { record } = await one.startPull(newPull());
    const claim = await one.claim('a', 30);
    assert.equal(await two.cancel(record.key, { message: 'enough', lastPull: 50, now: 130 }), true);
    const failed = await one.findAttempt(name);
    assert.deepEqual(
      [failed?.status, failed?.statusMessage, failed?.job, failed?.lastPull],
      ['FAILURE', 'enough', null, 50],
    );
    assert.equal(await one.renew(record.key, claim?.token ?? '', 30), false);
    assert.equal(await one.finish(record.key, claim?.token ?? '', finished('abc')), false);
    assert.equal(await one.claim('a', 30), undefined);
    assert.equal(await two.cancel(record.key, { message: 'again', lastPull: 50, now: 130 }), false);
    await pullDone(two, { now: 200 }, 'abc');
    const ready = await one.findReady(name);
    assert.equal(await one.cancel(ready?.key ?? '', { message: 'late', lastPull: 50, now: 130 }), false);
  });

  check('expiry: by time, once, and the record stays', async (one, two) => {
    await pullDone(one, {}, 'abc');
    const record = (await one.findReady(name)) as ImageRecord;
    await one.setExpirations(new Map([[record.key, 500]]));
    assert.deepEqual(await two.listExpired(name.system, 400), []);
    assert.deepEqual(
      (await two.listExpired(name.system, 600)).map(({ key }) => key),
      [record.key],
    );
    assert.equal(await one.startExpiry(record.key, 600), true);
    assert.equal(await two.startExpiry(record.key, 600), false);
    assert.equal(await two.findReady(name), undefined);
    const claim = await two.claim('b', 30);
    assert.ok(claim !== undefined);
    assert.equal(claim.record.job, 'expire');
    assert.equal(await two.isIdShared(claim.record), false);
    assert.equal(await two.finishExpiry(record.key, claim?.token ?? ''), true);
    const expired = await one.get(record.key);
    assert.deepEqual([expired?.status, expired?.tags], ['EXPIRED', [name.tag]]);
    assert.deepEqual(await one.listReady(name.system), []);
    assert.equal((await one.findAttempt(name))?.status, 'EXPIRED');
    await pullDone(two, { now: 700 }, 'abc');
    assert.deepEqual((await one.findReady(name))?.tags, [name.tag]);
  });

  check("people's tags: shared, taken away", async (one, two) => {
    await pullDone(one, {}, 'abc');
    await pullDone(one, { pullTag: 'debian:latest' }, 'abc');
    assert.deepEqual([...(await one.ownImages(name.system, 1000))], [(await one.findReady(name))?.key]);
    await two.shareTag(name);
    assert.equal((await one.ownImages(name.system, 1000)).size, 0);
    assert.equal(await one.tagOwner(name), null);
    assert.equal(await one.tagOwner({ ...name, tag: 'none:1' }), undefined);
    const left = await two.removeTag(name);
    assert.deepEqual(left?.tags, ['debian:latest']);
    assert.equal(await one.findReady(name), undefined);
    assert.equal(await two.removeTag(name), undefined);
  });

  check('metrics: the last ones, oldest first', async (one, two) => {
    const row = (time: number): Parameters<Records['addMetrics']>[0][number] => {
      return { user: 'ada', uid: 1000, system: name.system, type: 'docker', tag: 'x:1', id: 'abc', time };
    };
    await one.addMetrics([row(1), row(2), row(3)]);
    assert.deepEqual(await two.lastMetrics(name.system, 2), [row(2), row(3)]);
    assert.deepEqual(await two.lastMetrics('elsewhere', 2), []);
    await two.pruneMetrics(3);
    assert.deepEqual(await one.lastMetrics(name.system, 10), [row(3)]);
  });

  check('a setting is the same for all', async (one, two) => {
    const values = await Promise.all([one.setting('key', 'a'), two.setting('key', 'b'), one.setting('key', 'c')]);
    assert.equal(new Set(values).size, 1);
    assert.equal(await two.setting('key', 'd'), values[0]);
  });

  check('what is exported can be imported, once', async (one, two) => {
    await pullDone(one, {}, 'abc');
    await pullDone(one, { pullTag: 'other:1' }, 'def');
    const all = [];
    for await (const each of one.exportAll()) all.push(each);
    assert.equal(all.length, 2);
    for (const each of all) assert.equal(await two.importRecord(each), false);
    const moved = {
      ...all[0],
      key: '0a0a0a0a-0000-4000-8000-000000000000',
      system: 'cori',
      tags: ['m:1'],
      owners: [7],
    };
    assert.equal(await two.importRecord(moved as Parameters<Records['importRecord']>[0]), true);
    assert.deepEqual((await one.findReady({ ...name, system: 'cori', tag: 'm:1' }))?.facts, all[0]?.facts);
    assert.equal(await one.tagOwner({ ...name, system: 'cori', tag: 'm:1' }), 7);
  });
  return tests;
}
