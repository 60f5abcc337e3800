// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCommandRig } from '../../../test/support/command-rig.ts';
import { parseAge } from './ages.ts';

test('ages', () => {
  assert.deepEqual(['90s', '2h', '1d', '1w'].map(parseAge), [90_000, 7_200_000, 86_400_000, 604_800_000]);
  for (const text of ['', '1', 'd', '1y', '-1d', '1.5h']) assert.equal(parseAge(text), undefined, text);
});

test('filters choose images, all of them together', async () => {
  const { run, addImage } = createCommandRig();
  await addImage('a', ['debian:12', 'ghcr.io/x/y:1'], 5_000_000);
  const unnamed = await addImage('b', []);
  const names = async (...filters: readonly string[]): Promise<readonly string[]> => {
    const { status, stdout, stderr } = await run([
      'images',
      '-q',
      ...filters.flatMap((filter) => ['--filter', filter]),
    ]);
    assert.equal(status, 0, stderr);
    return stdout
      .trimEnd()
      .split('\n')
      .filter((line) => line !== '');
  };
  const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
    [['reference=debian'], ['debian:12']],
    [['reference=docker.io/library/debian:12'], ['debian:12']],
    [['reference=deb*:1?'], ['debian:12']],
    [['reference=ghcr.io/*'], []],
    [['reference=ghcr.io/**'], ['ghcr.io/x/y:1']],
    [['reference=d.bian'], []],
    [['larger=1M'], ['debian:12', 'ghcr.io/x/y:1']],
    [['smaller=1M'], [unnamed]],
    [['arch=amd64', 'dangling=true'], [unnamed]],
    [['arch=linux/amd64', 'dangling=false', 'reference=**/y'], ['ghcr.io/x/y:1']],
    [['arch=arm64'], []],
    [['label=maintainer'], ['debian:12', 'ghcr.io/x/y:1', unnamed]],
    [['label=maintainer=nobody', 'larger=1M', 'reference=debian:*'], ['debian:12']],
    [['label=maintainer=x'], []],
    [['label=toString'], []],
    // The rig's images were pulled two and a half hours before its now.
    [['before=2h', 'dangling=false', 'reference=debian*'], ['debian:12']],
    [['since=2h'], []],
    [['since=2026-11-21', 'reference=debian*'], ['debian:12']],
    [['before=debian:12'], []],
    [['signed=true'], []],
    [['signed=false', 'reference=debian:12'], ['debian:12']],
  ];
  for (const [filters, expected] of cases) assert.deepEqual(await names(...filters), expected, filters.join(' '));
  for (const filter of ['x', 'x=1', 'larger=much', 'dangling=maybe', 'before=nothing', 'reference=']) {
    const { status, stderr } = await run(['images', '--filter', filter]);
    assert.equal(status, 2);
    assert.match(stderr, /--filter: /);
  }
});

test('usage tells of room and owners', async () => {
  const { run, addImage, store } = createCommandRig();
  await addImage('a', ['debian:12'], 5_000_000);
  const { stdout } = await run(['images', '--usage']);
  assert.match(stdout, new RegExp(`^${store}\n  images +4\\.8 MiB\n`));
  assert.match(stdout, /by owner\n +\S+ +4\.8 MiB +1 image\n$/);
  const [usage] = JSON.parse((await run(['images', '--usage', '--json'])).stdout) as readonly {
    readonly imageBytes: number;
    readonly owners: readonly { readonly uid: number; readonly images: number }[];
  }[];
  assert.ok((usage?.imageBytes ?? 0) > 5_000_000);
  assert.deepEqual(
    usage?.owners.map(({ uid, images }) => [uid, images]),
    [[process.geteuid?.(), 1]],
  );
});

test("the site's images are listed apart, found by name, and never removed", async () => {
  const own = createCommandRig();
  const site = createCommandRig();
  await site.addImage('a', ['site/app:1']);
  await own.addImage('b', ['debian:12']);
  const variables = { SLIPWAY_SITE_STORE: `/nowhere:${site.store}` };
  assert.equal((await own.run(['images', '-q'], { variables })).stdout, 'debian:12\n');
  assert.equal((await own.run(['images', '-q', '--site'], { variables })).stdout, 'site/app:1\n');
  assert.match((await own.run(['inspect', 'site/app:1'], { variables })).stdout, new RegExp(site.store));
  assert.match((await own.run(['inspect', 'none'], { variables })).stderr, new RegExp(own.store));
  assert.equal((await own.run(['rm', 'site/app:1'], { variables })).status, 125);
  assert.equal((await own.run(['images', '-q', '--site'], { variables: { SLIPWAY_SITE_STORE: '' } })).stdout, '');
});
