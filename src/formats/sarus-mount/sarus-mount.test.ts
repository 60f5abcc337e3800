// SPDX-License-Identifier: Apache-2.0
// The grammar, case by case, the order of checks, and that no text does any harm.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import {
  findProviderDirectory,
  formatAccess,
  noRules,
  parseAccess,
  parseDeviceValue,
  parseMountValue,
  readHookWords,
  withProviderDirectory,
} from './index.ts';

const asIs = (text: string): string => text;
const mount = (value: string, rules = noRules): unknown => {
  const result = parseMountValue(value, { rules, expand: asIs });
  return result.ok ? result.mount : result.reason;
};
const plain = { source: '/src', target: '/dest', isReadOnly: false };

suite('--mount', () => {
  test('takes either name of the source and any of the destination, in any order', () => {
    for (const source of ['source', 'src'])
      for (const target of ['destination', 'dst', 'target']) {
        assert.deepEqual(mount(`type=bind,${source}=/src,${target}=/dest`), plain);
        assert.deepEqual(mount(`${target}=/dest,${source}=/src,type=bind`), plain);
      }
    for (const flag of ['readonly', 'readonly=', 'readonly=false', 'readonly=yes']) {
      assert.deepEqual(mount(`type=bind,src=/src,dst=/dest,${flag}`), { ...plain, isReadOnly: true });
    }
  });

  test('tells the first mistake in the order of Sarus', () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['', /"type" is missing/],
      ['xyz', /"type" is missing/],
      ['source=src, destination=/dest', /"type" is missing/],
      ['type=invalid,sauce=/src,dust=/dest', /"invalid" is no type/],
      ['type=BIND,src=/src,dst=/dest', /"BIND" is no type/],
      ['type,src=/src,dst=/dest', /"" is no type/],
      ['type=tmpfs,dst=/dest', /"tmpfs" is no type/],
      ['type=bind,src=src', /the source "src" is not absolute/],
      ['type=bind,destination=/dest', /the source is missing/],
      ['type=bind,src=/etc,source=/usr,dst=x', /the source is given more than once/],
      ['type=bind,src=,dst=/x', /the source is empty/],
      ['type=bind, src=/etc,dst=/x', /the source is missing/],
      ['type=bind,src=/src', /the destination is missing/],
      ['type=bind,src=/src,destination=dest,ro', /the destination "dest" is not absolute/],
      ['type=bind,src=/etc,dst=/x,target=/y', /the destination is given more than once/],
      ['type=bind,src=/etc,dst=', /the destination is empty/],
      ['type=bind,src=/src,dst=/dest,bind-propagation=slave', /"bind-propagation" is no option/],
      ['type=bind,src=/src,dst=/dest,ro', /"ro" is no option/],
      ['type=bind,src=/src,dst=/dest,foo=bar', /"foo" is no option/],
      [',type=bind', /empty option/],
      ['type=bind,,src=/src', /empty option/],
      ['type=bind,', /empty option/],
      ['type=bind,=v', /no key before "="/],
      ['type=bind,src=/a=b', /more than one "="/],
      ['type=bind,type=bind', /"type" is given twice/],
    ];
    for (const [value, reason] of cases) assert.match(String(mount(value)), reason, value);
  });

  test('keeps users from what the site forbids, by components', () => {
    const rules = { forbiddenPaths: ['/opt'], forbiddenTrees: ['/etc', '/var/', '/opt/sarus'] };
    const to = (target: string): unknown => mount(`type=bind,src=/src,dst=${target}`, rules);
    for (const target of [
      '/etc',
      '/etc/x',
      '//etc/./x',
      '/usr/../etc/x',
      '/var/a',
      '/opt',
      '/opt/',
      '/opt/sarus/bin',
    ]) {
      assert.match(String(to(target)), /the site allows no mount/, target);
    }
    for (const target of ['/etcetera', '/opt/other', '/optional', '/srv/etc']) {
      assert.deepEqual(to(target), { ...plain, target }, target);
    }
  });

  test('never takes what it expands apart again', () => {
    const odd = fc.string({ minLength: 1 }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(odd, (text) => {
        const result = parseMountValue('type=bind,src=/a,dst=<X>', {
          rules: noRules,
          expand: (each) => each.replace('<X>', () => `/${text}`),
        });
        assert.deepEqual(result, { ok: true, mount: { source: '/a', target: `/${text}`, isReadOnly: false } });
      }),
    );
  });
});

suite('--device', () => {
  const device = (value: string): unknown => {
    const result = parseDeviceValue(value);
    return result.ok ? [result.device.source, result.device.target, formatAccess(result.device.access)] : result.reason;
  };
  test('has a path here, a path there, and an access', () => {
    assert.deepEqual(device('/dev/T'), ['/dev/T', '/dev/T', 'rwm']);
    assert.deepEqual(device('/dev/T:/dev/C'), ['/dev/T', '/dev/C', 'rwm']);
    assert.deepEqual(device('/dev/T:rw'), ['/dev/T', '/dev/T', 'rw']);
    assert.deepEqual(device('/dev/T:/dev/C:r'), ['/dev/T', '/dev/C', 'r']);
    assert.deepEqual(device('/dev/T:/dev/C:mr'), ['/dev/T', '/dev/C', 'rm']);
  });
  test('tells the first mistake in the order of Sarus', () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['', /it is empty/],
      ['/a:/b:r:w', /more than three fields/],
      ['a:b:c:d:e', /more than three fields/],
      ['dev/T:/dev/C', /on the host "dev\/T" is not absolute/],
      ['/dev/T:dev/C', /more than three letters/],
      ['/dev/T:dev/C:rw', /in the container "dev\/C" is not absolute/],
      ['/dev/T:', /the access is empty/],
      [':/dev/C', /on the host is empty/],
      [':', /on the host is empty/],
      [':rw', /on the host is empty/],
      ['/dev/T::rw', /in the container is empty/],
      ['/dev/T::', /in the container is empty/],
      ['/dev/T:/dev/C:', /the access is empty/],
      ['/dev/T:/dev/C:raw', /other than r, w and m/],
      ['/dev/T:ra', /other than r, w and m/],
      ['/dev/T:rww', /repeats a letter/],
      ['/dev/T:rwmw', /more than three letters/],
      ['/dev/T:R', /other than r, w and m/],
      ['/dev/T:rw ', /other than r, w and m/],
    ];
    for (const [value, reason] of cases) assert.match(String(device(value)), reason, value);
  });
  test('takes every order of access and gives one', () => {
    for (const letters of ['r', 'w', 'm', 'rw', 'wr', 'wm', 'mw', 'rwm', 'wmr', 'mrw']) {
      const access = parseAccess(letters);
      assert.ok(typeof access === 'object');
      assert.equal(formatAccess(access), ['r', 'w', 'm'].filter((each) => letters.includes(each)).join(''));
    }
  });
});

suite('the words of the hook', () => {
  const words = (...argv: string[]): unknown => {
    const result = readHookWords(argv);
    return result.ok ? result.words : result.reason;
  };
  test('are options with their value in the word or the next, shortened or not, and anything else', () => {
    assert.deepEqual(words('--mount=a', '--device', 'b', 'stray', '--mou', 'c', '--dev=d', '-', '--mount', '--x'), {
      mounts: ['a', 'c', '--x'],
      devices: ['b', 'd'],
    });
    assert.deepEqual(words('--mount', '', '--', '--mount=late'), { mounts: [''], devices: [] });
    assert.deepEqual(words(), { mounts: [], devices: [] });
  });
  test('are refused where they mean nothing', () => {
    for (const argv of [['--foo=1'], ['-mount=x'], ['--mountain=x'], ['--=x'], ['-m', 'x']])
      assert.match(String(words(...argv)), /is no option/);
    for (const argv of [['--mount='], ['--mount'], ['--device']]) assert.match(String(words(...argv)), /has no value/);
  });
});

test('no text is more than refused', () => {
  const piece = fc.constantFrom(
    'type=bind',
    'src=/a',
    'dst=/b',
    ',',
    '=',
    ':',
    '/',
    'rw',
    '--mount',
    '--device=',
    ' ',
    '\0',
    '<FI_PROVIDER_PATH>',
    '..',
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 12 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, fc.array(text, { maxLength: 6 }), (value, argv) => {
      const result = parseMountValue(value, { rules: noRules, expand: asIs });
      if (result.ok)
        assert.ok(result.mount.source.startsWith('/') && result.mount.target.startsWith('/') && !value.includes('\0'));
      const device = parseDeviceValue(value);
      if (device.ok) assert.ok(device.device.source.startsWith('/') && device.device.target.startsWith('/'));
      const line = readHookWords(argv);
      if (line.ok) assert.ok(line.words.mounts.length + line.words.devices.length <= argv.length);
    }),
    { numRuns: 2000 },
  );
});

test('the provider path is the variable’s first directory, else beside libfabric, else /usr/lib', () => {
  const find = (variable: string | undefined, cached?: readonly string[], there: readonly string[] = []): string =>
    findProviderDirectory({ variable, cached, isThere: (path) => there.includes(path) });
  assert.equal(find('/a:/b'), '/a');
  assert.equal(find('@/a'), '/a');
  assert.equal(find('+/file.so:/b'), '/b');
  assert.equal(find('', undefined), '/usr/lib');
  const cached = ['/lib/libz.so.1', '/gone/libfabric.so.1', '/usr/lib64/libfabric.so', '/usr/lib64/libfabric.so.1.2'];
  assert.equal(find(undefined, cached, ['/usr/lib64/libfabric.so.1.2']), '/usr/lib64/libfabric');
  assert.equal(find(undefined, cached), '/usr/lib');
  assert.equal(
    withProviderDirectory('<FI_PROVIDER_PATH>/a<FI_PROVIDER_PATH>', () => '$&,='),
    '$&,=/a$&,=',
  );
});
