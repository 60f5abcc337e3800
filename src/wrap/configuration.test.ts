// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { expandBuildBase } from './build-directory.ts';
import { expandConfiguration, mergeConfiguration, parseConfiguration } from './configuration.ts';
import { readImageOptions } from './image-options.ts';
import { readSettings } from './settings.ts';

suite('configuration', () => {
  const none = { defaults: {}, force: {}, appends: {}, prepends: {} };

  test('what is asked for replaces defaults, the site has lists before and behind, and the last word', () => {
    const merged = mergeConfiguration(
      {
        defaults: { a: 1, mount_points: ['/old'], b: 'site' },
        prepends: { mount_points: ['/first'] },
        appends: { mount_points: ['/last'], extra: ['x'] },
        force: { b: 'forced' },
      },
      { mount_points: ['/asked'], b: 'asked', c: true },
    );
    assert.deepEqual(merged, {
      a: 1,
      b: 'forced',
      c: true,
      mount_points: ['/first', '/asked', '/last'],
      extra: ['x'],
    });
  });

  test('a default list is joined too', () => {
    const site = { ...none, defaults: { list: ['/default'] }, prepends: { list: '/first' } };
    assert.deepEqual(mergeConfiguration(site, {}), { list: ['/first', '/default'] });
  });

  test('variables are put in, but not into what a shell will read', () => {
    const expanded = expandConfiguration(
      { a: '$USER/$NONE', post_install: ['echo $USER'], list: ['${USER}'], workdir: '$PWD' },
      { variables: { USER: 'u' }, workingDirectory: '/w' },
    );
    assert.deepEqual(expanded, {
      a: 'u/$NONE',
      post_install: ['echo $USER'],
      list: ['u'],
      workdir: '/w',
      build_tmpdir_base: '/tmp',
    });
  });

  test('the build directory: CW_BUILD_TMPDIR, the configuration, TMPDIR, /tmp', () => {
    const base = (variables: Record<string, string>, configured?: string): unknown =>
      expandConfiguration(configured === undefined ? {} : { build_tmpdir_base: configured }, {
        variables,
        workingDirectory: '/',
      })['build_tmpdir_base'];
    assert.equal(base({ CW_BUILD_TMPDIR: '/b', TMPDIR: '/t' }, '/c'), '/b');
    assert.equal(base({ TMPDIR: '/t' }, '/c/$NONE/$TMPDIR'), '/c///t');
    assert.equal(base({ TMPDIR: '/t' }), '/t');
    assert.throws(() => base({}, 'relative'), { code: 'wrap-build-directory' });
    assert.throws(() => expandBuildBase(`/${'$A'.repeat(11)}`, {}), { code: 'wrap-build-directory' });
  });

  test('what is no map is refused, and no small text becomes a large value', () => {
    assert.throws(() => parseConfiguration('- a', 'x.yaml'), { code: 'wrap-configuration-unreadable' });
    assert.throws(() => parseConfiguration('a: [', 'x.yaml'), { code: 'wrap-configuration-unreadable' });
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x,x]'];
    for (let level = 1; level < 8; level += 1) {
      const [name, before] = ['abcdefghi'[level], 'abcdefghi'[level - 1]];
      bomb.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(',')}]`);
    }
    assert.throws(() => parseConfiguration(bomb.join('\n'), 'x.yaml'), { code: 'wrap-configuration-unreadable' });
  });

  test('settings: words for yes and no, lists of one, and what makes no sense', () => {
    const base = { mode: 'venv', installation_prefix: '/p/' };
    assert.equal(readSettings(base).prefix, '/p');
    assert.equal(readSettings({ ...base, wrap_all: true }).wrapsAll, true);
    assert.equal(readSettings({ ...base, wrap_all: 'No' }).wrapsAll, false);
    assert.deepEqual(readSettings({ ...base, wrapper_paths: 'bin' }).wrapperPaths, ['bin']);
    assert.deepEqual(readSettings({ ...base, post_install: ['a', { file: 'f' }] }).postInstall, [
      { command: 'a' },
      { file: 'f' },
    ]);
    for (const wrong of [
      { mode: 'other' },
      { wrap_all: 'perhaps' },
      { installation_prefix: 'relative' },
      { sqfs_image: '../x' },
      { extra_envs: [{ type: 'other', name: 'A', value: 'x' }] },
      { num_cpus: -1 },
    ]) {
      assert.throws(() => readSettings({ ...base, ...wrong }), { code: 'wrap-configuration-invalid' });
    }
  });

  test("mksquashfs's words are understood as far as they mean something here", () => {
    assert.deepEqual(readImageOptions(['-noappend', '-mem', '10000M']), {
      compressor: { compression: 'zstd', level: 3 },
      blockSizeBytes: 128 << 10,
      ignored: [],
    });
    assert.deepEqual(readImageOptions(['-comp', 'gzip', '-b', '1M', '-Xcompression-level', '5', '-pf', 'x']), {
      compressor: { compression: 'gzip', level: 5 },
      blockSizeBytes: 1 << 20,
      ignored: ['-pf', 'x'],
    });
  });
});
