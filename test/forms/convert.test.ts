// SPDX-License-Identifier: Apache-2.0
// `slipway convert`: every form there and back, and each form as the programs see it that it is made for.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { runOk } from '../support/command.ts';
import { isRoot, needs } from '../support/needs.ts';
import { type Forms, isLeftOut, makeForms } from './forms.ts';
import { listTree } from './listing.ts';

const commands = ['unsquashfs', 'tar', 'xz', 'bzip2', 'getfattr', 'setfattr'];

suite('slipway convert', { skip: needs({ commands }) }, () => {
  let forms: Forms;
  const convert = async (...words: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await forms.slipway('convert', '-q', '--setuid', ...words);
    assert.equal(status, 0, stderr);
    return stdout;
  };
  before(async () => {
    forms = await makeForms();
  });

  for (const form of [
    'a.sqfs',
    'a.tar',
    'a.tar.gz',
    'a.tar.zst',
    'a.tar.xz',
    'a.tar.bz2',
    'oci:a-layout:1.0',
    'oci-archive:a-oci.tar:1.0',
    'docker-archive:a-docker.tar:example/a:1.0',
    'dir:a-dir',
    'copy',
  ]) {
    test(`directory to ${form} and back`, async () => {
      await convert('./tree', form);
      const back = `back-${form.replaceAll(/[^a-z0-9]+/g, '-')}`;
      const source = /^(?:a\.|copy)/.test(form) ? `./${form}` : form;
      await convert(source, back);
      assert.deepEqual(listTree(forms.path(back)), forms.is);
    });
  }

  for (const [from, to] of [
    ['a.sqfs', 'b.tar.zst'],
    ['a.tar.xz', 'b.sqfs'],
    ['oci:a-layout', 'c.sqfs'],
    ['docker-archive:a-docker.tar', 'oci:b-layout'],
    ['oci-archive:a-oci.tar', 'docker-archive:b-docker.tar:x/y:1'],
    ['dir:a-dir', 'c.tar.gz'],
  ] as const) {
    test(`${from} to ${to} keeps everything`, async () => {
      await convert(from, to);
      const back = `back-${to.replaceAll(/[^a-z0-9]+/g, '-')}`;
      await convert(to, back);
      assert.deepEqual(listTree(forms.path(back)), forms.is);
    });
  }

  test('squashfs is what unsquashfs reads, named pipes too', async () => {
    await runOk(['unsquashfs', '-no-xattrs', '-d', forms.path('unsquashed'), forms.path('a.sqfs')]);
    const leavesOut = (_: string, kind: string): boolean => kind.endsWith('device');
    assert.deepEqual(listTree(forms.path('unsquashed'), { leavesOut }), listTree(forms.tree, { leavesOut }));
  });

  for (const [compression, level] of [
    ['gzip', '5'],
    ['lz4', undefined],
    ['xz', '0'],
  ] as const) {
    test(`a squashfs is compressed with ${compression} on request`, async () => {
      const words = ['--compression', compression, ...(level === undefined ? [] : ['--level', level])];
      await convert(...words, './tree', `${compression}.sqfs`);
      const facts = await runOk(['unsquashfs', '-s', forms.path(`${compression}.sqfs`)]);
      assert.match(facts, new RegExp(`^Compression ${compression}$`, 'm'));
      await convert(`${compression}.sqfs`, `back-${compression}`);
      assert.deepEqual(listTree(forms.path(`back-${compression}`)), forms.is);
      const refused = await forms.slipway(
        'convert',
        '--compression',
        compression,
        '--level',
        '10',
        './tree',
        'no.sqfs',
      );
      assert.match(refused.stderr, /--level: /);
    });
  }

  for (const name of ['a.tar', 'a.tar.zst', 'b.tar.zst', 'c.tar.gz']) {
    test(`${name} is what GNU tar reads`, async () => {
      const directory = forms.path(`tar-${name}`);
      mkdirSync(directory);
      await runOk(['tar', '-C', directory, '--same-permissions', '-xf', forms.path(name)]);
      assert.deepEqual(listTree(directory, { leavesOut: isLeftOut }), forms.is);
    });
  }

  test('the same tree gives the same bytes', async () => {
    for (const [first, second] of [
      ['a.sqfs', 'again.sqfs'],
      ['a.tar.gz', 'again.tar.gz'],
      ['a.tar.zst', 'again.tar.zst'],
    ] as const) {
      await convert('./tree', second);
      await runOk(['cmp', forms.path(first), forms.path(second)]);
    }
  });

  test('an OCI image keeps its manifest on the way through archives', async () => {
    const digest = await convert('oci:a-layout', 'oci-archive:kept.tar');
    assert.match(digest, /^sha256:[0-9a-f]{64}\n$/);
    assert.equal(await convert('oci-archive:kept.tar', 'dir:kept-dir'), digest);
    assert.equal(await convert('dir:kept-dir', 'oci:kept-layout'), digest);
  });

  test('holes stay holes', async () => {
    for (const copy of ['copy', 'back-a-sqfs']) {
      const { size, blocks } = statSync(forms.path(`${copy}/sparse`));
      assert.ok(blocks * 512 < size / 4, `${copy}: ${blocks} blocks for ${size} bytes`);
    }
  });

  test('extended attributes are kept on request, and else counted', async () => {
    const wanted = listTree(forms.tree, { leavesOut: isLeftOut, xattrs: true });
    for (const form of ['x.sqfs', 'x.tar', 'oci:x-layout']) {
      await convert('--xattrs', './tree', form);
      const back = `xattrs-${form.replaceAll(/[^a-z]+/g, '-')}`;
      await convert('--xattrs', form, back);
      assert.deepEqual(listTree(forms.path(back), { xattrs: true }), wanted, form);
    }
    const { stderr } = await forms.slipway('convert', 'x.sqfs', 'plain.tar');
    assert.match(stderr, /extended attributes .* are left out \(3 times\)/);
  });

  test('says how much of what is left out', async () => {
    const { stderr } = await forms.slipway('convert', './tree', 'counted');
    assert.match(stderr, /warning: named pipes are left out\n/);
    assert.match(stderr, /warning: set-user-ID and set-group-ID bits are left out\n/);
    if (isRoot()) assert.match(stderr, /warning: device files are left out.* \(2 times\)\n/);
    assert.equal(statSync(forms.path('counted/etc/secret')).mode & 0o7777, 0o750);
  });

  test('gives every file the owner that is asked for', async () => {
    await convert('--owner', '12:34', './tree', 'owned.tar');
    const listing = await runOk(['tar', '--numeric-owner', '-tvf', forms.path('owned.tar')]);
    for (const line of listing.trimEnd().split('\n')) assert.match(line, /^\S+ 12\/34 /);
  });

  test('a single directory at the top of a tarball is left out, or kept', async () => {
    await runOk(['tar', '-C', forms.path('.'), '-cf', forms.path('nested.tar'), 'tree/etc', 'tree/usr']);
    await convert('nested.tar', 'unnested');
    assert.deepEqual(readdirSync(forms.path('unnested')).sort(), ['etc', 'usr']);
    await convert('nested.tar', 'unnested.sqfs');
    assert.match(await runOk(['unsquashfs', '-l', forms.path('unnested.sqfs')]), /^squashfs-root\/etc$/m);
    await convert('--keep-top', 'nested.tar', 'nested');
    assert.deepEqual(readdirSync(forms.path('nested')), ['tree']);
    // An archive that has an entry for its root says where that is.
    await runOk(['tar', '-C', forms.path('nested'), '-cf', forms.path('rooted.tar'), '.']);
    await convert('rooted.tar', 'rooted');
    assert.deepEqual(readdirSync(forms.path('rooted')), ['tree']);
  });

  test('replaces nothing unless told, and no directory that is no image', async () => {
    const refused = await forms.slipway('convert', './tree', 'a.sqfs');
    assert.equal(refused.status, 125);
    assert.match(refused.stderr, /write .*a\.sqfs: it exists already\n {2}hint: .*--force/);
    await convert('--force', './tree', 'a.sqfs');
    await convert('--force', './tree', 'copy');
    assert.deepEqual(listTree(forms.path('copy')), forms.is);
    mkdirSync(forms.path('papers'));
    writeFileSync(forms.path('papers/thesis'), 'years of work');
    const kept = await forms.slipway('convert', '--force', './tree', 'papers');
    assert.match(kept.stderr, /replace .*papers: it is a directory that does not look like an image/);
    assert.deepEqual(readdirSync(forms.path('papers')), ['thesis']);
  });

  test('an image of directories that are closed to their owner can be replaced', async () => {
    const tree = forms.path('closed');
    mkdirSync(join(tree, 'etc/inner'), { recursive: true });
    chmodSync(join(tree, 'etc/inner'), 0o500);
    chmodSync(join(tree, 'etc'), 0o500);
    await convert('./closed', 'closed.tar');
    await convert('closed.tar', 'opened');
    await convert('--force', 'closed.tar', 'opened');
    assert.equal(statSync(forms.path('opened/etc')).mode & 0o777, 0o500);
    chmodSync(join(tree, 'etc'), 0o700);
    chmodSync(forms.path('opened/etc'), 0o700);
  });

  test('tells programs what it does', async () => {
    const { status, stdout, stderr } = await forms.slipway('convert', '--json', 'a.tar', 'json.sqfs');
    assert.equal(status, 0);
    assert.equal(stderr, '');
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const { size } = statSync(forms.path('json.sqfs'));
    const { type, format, path, sizeBytes, entries } = events.at(-1) ?? {};
    assert.deepEqual(
      { type, format, path, sizeBytes },
      {
        type: 'converted',
        format: 'squashfs',
        path: forms.path('json.sqfs'),
        sizeBytes: size,
      },
    );
    assert.equal(entries, Object.keys(forms.is).length + 1, 'the pipe is in it');
    const failed = await forms.slipway('convert', '--json', 'a.tar', 'json.sqfs');
    assert.equal(
      (JSON.parse(failed.stdout.trimEnd().split('\n').at(-1) ?? '') as { code: string }).code,
      'target-exists',
    );
  });

  test('leaves nothing beside its results', () => {
    assert.deepEqual(
      readdirSync(forms.path('.')).filter((name) => name.startsWith('.slipway')),
      [],
    );
  });
});
