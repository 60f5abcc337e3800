// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { parseUdiRoot, parseUserVolumes, unsafeReason, volumeSignature } from './index.ts';
import { parseSiteVolumes } from './volume-map.ts';

const required = [
  ['udiMount', '/var/udiMount'],
  ['loopMount', '/var/loopUdiMount'],
  ['imagePath', '/images'],
  ['udiRootPath', '/opt/shifter'],
  ['etcPath', '/etc/shifter/etc_files'],
  ['rootfsType', 'tmpfs'],
  ...['modprobe', 'insmod', 'cp', 'mv', 'chmod', 'dd'].map((name) => [`${name}Path`, `/bin/${name}`]),
];
const base = required.map(([key, value]) => `${key}=${value}`).join('\n');

function parse(text: string): NonNullable<ReturnType<typeof parseUdiRoot>['udiRoot']> {
  const { udiRoot, faults } = parseUdiRoot(`${base}\n${text}`);
  assert.ok(udiRoot, JSON.stringify(faults));
  return udiRoot;
}

function faultsOf(text: string): readonly string[] {
  return parseUdiRoot(text).faults.map(({ line, text: reason }) => `${line}: ${reason}`);
}

suite('udiRoot.conf', () => {
  test('trims, continues lines, and skips comments also between continued lines', () => {
    const read = parse(
      '# a comment\n siteEnv = A=1 \\\n# another\n   B=2  C=\\\n3\nno equals sign here\nsystem=perlmutter',
    );
    assert.deepEqual(read.environment.set, ['A=1', 'B=2', 'C=', '3']);
    assert.equal(read.system, 'perlmutter');
  });

  test('takes the last of a scalar, and all of a list', () => {
    const read = parse('system=a\nsystem=b\nimageGateway=http://a:5000/ http://b:5000\nimageGateway=http://c');
    assert.equal(read.system, 'b');
    assert.deepEqual(read.imageGateways, ['http://a:5000', 'http://b:5000', 'http://c']);
  });

  test('reads booleans as numbers', () => {
    for (const [text, value] of [
      ['1', true],
      ['0', false],
      ['-1', true],
      ['yes', false],
      ['', false],
      ['2x', true],
    ] as const) {
      assert.equal(parse(`allowLocalChroot=${text}`).allowLocalChroot, value, text);
    }
  });

  test('refuses keys that it does not know, with the line where they begin', () => {
    assert.deepEqual(faultsOf(`${base}\nallowEverything=\\\n 1`), [
      `${required.length + 1}: allowEverything: there is no such key`,
    ]);
    assert.match(faultsOf(`${base}\nsitefs=/a`)[0] ?? '', /sitefs: there is no such key \(siteFs is meant\?\)$/);
  });

  test('names each required key that is missing', () => {
    assert.equal(faultsOf('').length, required.length);
    assert.deepEqual(faultsOf(base.replace('etcPath=/etc/shifter/etc_files', 'etcPath=')), [
      '0: etcPath is required and missing',
    ]);
  });

  test('keeps the order of modules in defaultModules, and takes none for none', () => {
    assert.deepEqual(parse('defaultModules= mpich , gpu').defaultModules, ['mpich', 'gpu']);
    assert.deepEqual(parse('defaultModules=mpich,None').defaultModules, []);
  });

  test('reads modules with all their keys; a key that modules lack is only noted', () => {
    const text = [
      'module_mpich_copyPath = /opt/mpich',
      'module_mpich_siteEnvPrepend = LD_LIBRARY_PATH=/opt/udiImage/modules/mpich/lib64',
      'module_mpich_siteEnv = A=1 B=2',
      'module_mpich_siteEnvUnset = C',
      'module_mpich_siteFs = /dev/xpmem;/var/opt/cray:/var/opt/cray:rec:slave',
      'module_mpich_conflict = openmpi',
      'module_mpich_roothook = /r.sh',
      'module_mpich_userhook = /opt/udiImage/modules/mpich/bin/init.sh',
      'module_mpich_copypath = /misspelt',
      'module_openmpi_enabled = 0',
    ].join('\n');
    const { udiRoot, notes } = parseUdiRoot(`${base}\n${text}`);
    const mpich = udiRoot?.modules.get('mpich');
    assert.deepEqual(mpich?.environment, {
      set: ['A=1', 'B=2'],
      append: [],
      prepend: ['LD_LIBRARY_PATH=/opt/udiImage/modules/mpich/lib64'],
      unset: ['C'],
    });
    assert.deepEqual(
      mpich.siteFs.map(({ to, recursive, slave }) => [to, recursive, slave]),
      [
        ['/dev/xpmem', false, false],
        ['/var/opt/cray', true, true],
      ],
    );
    assert.equal(mpich.copyPath, '/opt/mpich');
    assert.equal(mpich.isEnabled, true);
    assert.equal(udiRoot?.modules.get('openmpi')?.isEnabled, false);
    assert.deepEqual(
      notes.map(({ text }) => text),
      ['module_mpich_copypath: modules have no key copypath; it does nothing (copyPath is meant?)'],
    );
  });

  test('refuses a conflict with a module that is not defined', () => {
    assert.match(faultsOf(`${base}\nmodule_a_conflict=b`)[0] ?? '', /conflicts with b/);
  });

  test('reads anything without failing, and never gives both faults and a configuration', () => {
    const line = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc
        .tuple(fc.constantFrom('siteFs', 'system', 'module_a_siteFs', 'maxGroupCount'), fc.string({ maxLength: 30 }))
        .map((pair) => pair.join('=')),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        const { udiRoot, faults } = parseUdiRoot(`${base}\n${lines.join('\n')}`);
        assert.equal(udiRoot === undefined, faults.length > 0);
      }),
    );
  });

  test('is the site’s word only where root alone can write it', () => {
    const file = { uid: 0, mode: 0o644, isRootMapped: true };
    assert.equal(unsafeReason(file), undefined);
    assert.equal(unsafeReason({ ...file, uid: 65_534, isRootMapped: false }), undefined);
    for (const bad of [
      { ...file, uid: 1000 },
      { ...file, uid: 65_534 },
      { ...file, mode: 0o664 },
      { ...file, mode: 0o646 },
      undefined,
    ]) {
      assert.ok(unsafeReason(bad));
    }
  });
});

suite('volumes', () => {
  const codeOf = (spec: string): number => {
    const read = parseUserVolumes(spec);
    return read.ok ? 0 : read.fault.code;
  };

  test('closes paths to users by components', () => {
    for (const to of [
      '/etc',
      '/etc/x',
      '/var',
      '/var/lib',
      '/var/tmp/x',
      '/opt',
      '/opt/udiImage',
      '/opt/udiImage/bin',
      '/dev/x',
      '/proc',
      '/sys/fs',
      '/',
      '/a/../etc',
      'x',
      '/b c',
      '/etc//',
      '/./etc',
      '//var',
    ]) {
      assert.equal(codeOf(`/a:${to}`), 1, to);
    }
    for (const to of [
      '/etcetera',
      '/variable',
      '/var/tmp',
      '/opt/app',
      '/optional',
      '/opt/udiImages',
      '/data/',
      '/a/b',
    ]) {
      assert.equal(codeOf(`/a:${to}`), 0, to);
    }
    assert.equal(codeOf('/a'), 1);
  });

  test('has the numbers of Shifter for flags', () => {
    assert.deepEqual(
      ['/a:/b:rw', '/a:/b:rec', '/a:/b:ro:RO', '/a:/b:ro=1', '/a:/b:perNodeCache', '/a:/b:perNodeCache=bs=1'].map(
        codeOf,
      ),
      [2, 2, 3, 2, 2, 2],
    );
    const site = parseSiteVolumes('/a:/b:slave:private');
    assert.equal(site.ok ? 0 : site.fault.code, 4);
  });

  test('signs what is wanted in one form, whatever the order', () => {
    const read = parseUserVolumes('/z:/y/;"/a:/b:RO";/c:/d:perNodeCache=size=200G,bs=4k,fs=xfs');
    assert.ok(read.ok);
    assert.equal(
      volumeSignature(read.maps),
      '/a:/b:ro;/c:/d:perNodeCache=size=214748364800,bs=4096,method=loop,fstype=xfs;/z:/y',
    );
  });

  test('a signature reads back as itself', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_.+-]{1,5}$/).filter((text) => text !== '.' && text !== '..');
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => `/data/${names.join('/')}`);
    fc.assert(
      fc.property(fc.array(fc.tuple(path, path, fc.boolean()), { maxLength: 4 }), (specs) => {
        const text = specs.map(([from, to, ro]) => `${from}:${to}${ro ? ':ro' : ''}`).join(';');
        const read = parseUserVolumes(text);
        assert.ok(read.ok);
        const signature = volumeSignature(read.maps);
        const again = parseUserVolumes(signature);
        assert.ok(again.ok && volumeSignature(again.maps) === signature);
      }),
    );
  });
});
