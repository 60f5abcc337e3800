// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { MountRequest } from '../../model/index.ts';
import { type MountResult, parseMount, parseVolume } from './mount-options.ts';

const absolute = (path: string): string => posix.resolve('/cwd', path);
const mountOf = (result: MountResult): MountRequest => {
  assert.ok(result.ok, JSON.stringify(result));
  return result.mount;
};
const reasonOf = (result: MountResult): string => {
  assert.ok(!result.ok, JSON.stringify(result));
  return result.reason;
};
const recursive = { recursive: true } as const;

suite('-v SRC[:DST[:OPTION,...]]', () => {
  const volume = (text: string): MountResult => parseVolume(text, absolute);

  test('shows a path at its own place or another, with what is mounted below it', () => {
    for (const [text, source, target, flags] of [
      ['/a', '/a', '/a', recursive],
      ['/a:/b', '/a', '/b', recursive],
      ['a', '/cwd/a', '/cwd/a', recursive],
      ['./a:/b', '/cwd/a', '/b', recursive],
      ['.', '/cwd', '/cwd', recursive],
      ['/a:/b:ro', '/a', '/b', { recursive: true, readOnly: true }],
      ['/a:/b:rw', '/a', '/b', recursive],
      [
        '/a:/b:ro,nosuid,nodev,noexec',
        '/a',
        '/b',
        { recursive: true, readOnly: true, nosuid: true, nodev: true, noexec: true },
      ],
      ['/a://b/./c/', '/a', '/b/c', recursive],
      ['/a:/b:', '/a', '/b', recursive],
      ['/a b:/c,d', '/a b', '/c,d', recursive],
    ] as const) {
      assert.deepEqual(mountOf(volume(text)), { kind: 'bind', source, target, flags }, text);
    }
  });

  test('says what is wrong', () => {
    for (const [text, reason] of [
      ['', /source is empty/],
      [':/b', /source is empty/],
      ['/a:', /target "" is no absolute path/],
      ['/a:b', /target "b" is no absolute path/],
      ['/a:/', /can’t be \//],
      ['/a:/.', /can’t be \//],
      ['/a:/b/../c', /component \.\./],
      ['/a:/b:what', /"what" is none of ro, readonly, rw/],
      ['/a:/b:ro,', /"" is none of/],
      ['/a:/b:constructor', /"constructor" is none of/],
      ['/a:/b:ro:x', /more than three parts/],
    ] as const) {
      assert.match(reasonOf(volume(text)), reason, text);
    }
  });
});

suite('--mount KEY=VALUE,...', () => {
  const mount = (text: string): MountResult => parseMount(text, absolute);

  test('takes docker’s keys and their synonyms', () => {
    for (const text of [
      'type=bind,source=/a,target=/b',
      'src=/a,dst=/b',
      'destination=/b,source=/a',
      'source=/a,target=/b,readonly=false',
    ]) {
      assert.deepEqual(mountOf(mount(text)), { kind: 'bind', source: '/a', target: '/b', flags: recursive }, text);
    }
    assert.deepEqual(mountOf(mount('src=a,dst=/b,ro,nosuid,nodev,noexec')), {
      kind: 'bind',
      source: '/cwd/a',
      target: '/b',
      flags: { ...recursive, readOnly: true, nosuid: true, nodev: true, noexec: true },
    });
    assert.deepEqual(mountOf(mount('src=/a:b,dst=/c,bind-recursive=disabled')), {
      kind: 'bind',
      source: '/a:b',
      target: '/c',
      flags: {},
    });
    const flags = { nosuid: true, nodev: true };
    assert.deepEqual(mountOf(mount('type=tmpfs,target=/t')), {
      kind: 'tmpfs',
      target: '/t',
      sizeBytes: 0,
      mode: 0o1777,
      flags,
    });
    assert.deepEqual(mountOf(mount('type=tmpfs,dst=/t,tmpfs-size=2M,tmpfs-mode=700')), {
      kind: 'tmpfs',
      target: '/t',
      sizeBytes: 2 << 20,
      mode: 0o700,
      flags,
    });
  });

  test('says what is wrong', () => {
    for (const [text, reason] of [
      ['', /"" is no key/],
      ['type=nfs', /type "nfs" is neither bind nor tmpfs/],
      ['type=constructor,target=/a', /type "constructor"/],
      ['src=/a', /target= is missing/],
      ['dst=/a', /source= is missing/],
      ['src=,dst=/a', /source= is missing/],
      ['src=/a,dst=/b,src=/c', /"src" is given twice/],
      ['src=/a,source=/c,dst=/b', /"source" is given twice/],
      ['src=/a,dst=/b,size=1', /"size" is no key of type=bind/],
      ['type=tmpfs,dst=/b,src=/a', /"source" is no key of type=tmpfs/],
      ['type=tmpfs,dst=/b,size=1.5G', /size=/],
      ['type=tmpfs,dst=/b,mode=888', /mode= is an octal number/],
      ['type=tmpfs,dst=b', /no absolute path/],
      ['src=/a,dst=/b,readonly=yes', /readonly= is true or false/],
      ['src=/a,dst=/b,bind-recursive=no', /bind-recursive= is enabled or disabled/],
      ['src=/a,dst=/', /can’t be \//],
    ] as const) {
      assert.match(reasonOf(mount(text)), reason, text);
    }
  });
});

test('whatever is typed, a mount’s target is below the root, by its components', () => {
  const piece = fc.constantFrom(
    '/',
    '..',
    '.',
    'a',
    ':',
    ',',
    'ro',
    '=',
    'src',
    'dst',
    'target',
    'type',
    'tmpfs',
    'size',
    '1K',
    '//',
  );
  const typed = fc.oneof(
    fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
    fc.string(),
  );
  fc.assert(
    fc.property(typed, (text) => {
      for (const result of [parseVolume(text, absolute), parseMount(text, absolute)]) {
        if (!result.ok) {
          assert.match(result.reason, /\S/);
          continue;
        }
        const { mount } = result;
        assert.match(mount.target, /^(?:\/[^/]+)+$/);
        for (const name of mount.target.split('/')) assert.ok(name !== '..' && name !== '.');
        if (mount.kind === 'bind') assert.ok(mount.source.startsWith('/'));
      }
    }),
    { numRuns: 2000 },
  );
});

test('a volume and the same mount in words are the same', () => {
  const path = fc
    .array(fc.constantFrom('a', 'b c', 'd.e'), { minLength: 1, maxLength: 3 })
    .map((names) => `/${names.join('/')}`);
  fc.assert(
    fc.property(path, path, fc.boolean(), (source, target, isReadOnly) => {
      const volume = parseVolume(`${source}:${target}${isReadOnly ? ':ro' : ''}`, absolute);
      const mount = parseMount(`type=bind,source=${source},target=${target}${isReadOnly ? ',readonly' : ''}`, absolute);
      assert.deepEqual(volume, mount);
    }),
  );
});
