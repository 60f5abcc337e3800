// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import * as fc from 'fast-check';
import { hasCode } from '../../model/index.ts';
import { createInputs } from '../../sys/inputs.ts';
import { type CdiAdaptation, parseCdiName, readCdiRegistry, resolveCdiDevices } from './index.ts';
import { parseCdiSpec } from './parse-spec.ts';

const gpu = `# made by a vendor's tool
cdiVersion: 0.5.0
kind: vendor.com/gpu
containerEdits:
  env:
    - VENDOR_VISIBLE=void
  mounts:
    - hostPath: /usr/lib/libvendor.so.1
      containerPath: /usr/lib/libvendor.so.1
      options: [ro, nosuid, nodev, rbind, rprivate]
  hooks:
    - hookName: createContainer
      path: /usr/bin/vendor-hook
      args: [vendor-hook, update-ldcache]
      timeout: 5
devices:
  - name: "0"
    containerEdits:
      deviceNodes:
        - path: /dev/vendor0
  - name: all
    containerEdits:
      deviceNodes:
        - path: /dev/vendor0
        - path: /dev/vendor1
          hostPath: /dev/card1
      additionalGids: [44]
`;

suite('names of devices', () => {
  test('have a vendor, a class and a name', () => {
    assert.deepEqual(parseCdiName('vendor.com/gpu=0'), { kind: 'vendor.com/gpu', device: '0' });
    assert.deepEqual(parseCdiName('a/b=mig-1:0'), { kind: 'a/b', device: 'mig-1:0' });
  });

  for (const text of [
    '',
    'gpu',
    '/dev/fuse',
    'vendor.com=0',
    'vendor.com/gpu=',
    'vendor.com/gpu',
    '.v/gpu=0',
    'v/g=../x',
    'v/g=0 ',
  ]) {
    test(`"${text}" is none`, () => assert.equal(parseCdiName(text), undefined));
  }
});

suite('a specification', () => {
  test('is read from YAML, with the line of each device', () => {
    const spec = parseCdiSpec(gpu, '/etc/cdi/gpu.yaml');
    assert.equal(spec.kind, 'vendor.com/gpu');
    assert.deepEqual(
      spec.devices.map(({ name, line }) => [name, line]),
      [
        ['0', 17],
        ['all', 21],
      ],
    );
    assert.deepEqual(spec.devices[1]?.edits.deviceNodes, [
      { path: '/dev/vendor0', hostPath: '/dev/vendor0' },
      { path: '/dev/vendor1', hostPath: '/dev/card1' },
    ]);
    assert.deepEqual(spec.edits.hooks, [
      {
        hookName: 'createContainer',
        path: '/usr/bin/vendor-hook',
        args: ['vendor-hook', 'update-ldcache'],
        env: [],
        timeoutSeconds: 5,
      },
    ]);
  });

  test('may be JSON', () => {
    const text = JSON.stringify({ cdiVersion: '1.0.0', kind: 'v/c', devices: [{ name: 'x', containerEdits: {} }] });
    assert.equal(parseCdiSpec(text, '/etc/cdi/v.json').devices[0]?.name, 'x');
  });

  for (const [what, text, line, reason] of [
    ['no YAML', 'kind: [', 1, /./],
    ['an old version', gpu.replace('0.5.0', '0.2.0'), 2, /cdiVersion: "0\.2\.0"/],
    ['no class', gpu.replace('vendor.com/gpu', 'vendor.com'), 3, /vendor\.com\/class/],
    ['a relative device', gpu.replace('path: /dev/vendor0', 'path: dev/vendor0'), 20, /no absolute path/],
    ['a path upwards', gpu.replace('path: /dev/vendor0', 'path: /dev/../../vendor0'), 20, /leads upwards/],
    ['a variable without a value', gpu.replace('VENDOR_VISIBLE=void', 'VENDOR'), 6, /NAME=VALUE/],
    ['a hook at no stage', gpu.replace('createContainer', 'whenever'), 12, /is none of prestart/],
    ['a device twice', gpu.replace('name: all', 'name: "0"'), 21, /twice/],
    ['no devices', 'cdiVersion: 0.5.0\nkind: v/c\n', 1, /no device/],
  ] as const) {
    test(`with ${what} is refused at its line`, () => {
      assert.throws(
        () => parseCdiSpec(text, '/etc/cdi/gpu.yaml'),
        (error: unknown) => {
          assert.ok(error instanceof Error && hasCode(error, 'cdi-spec-malformed'));
          assert.match(error.message, reason);
          assert.match(error.message, new RegExp(`gpu\\.yaml: line ${line}: `));
          return true;
        },
      );
    });
  }

  test('of any text is read or refused, and nothing else', () => {
    const pieces = fc.array(fc.constantFrom(...gpu.split('\n'), '- ', '  x: &a [*a, *a]', '{', '}', '"', '\0', '? y'));
    fc.assert(
      fc.property(pieces, (lines) => {
        try {
          parseCdiSpec(lines.join('\n'), 'x');
        } catch (error) {
          assert.ok(hasCode(error, 'cdi-spec-malformed'), String(error));
        }
      }),
    );
  });
});

suite('devices that are asked for', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-cdi-'));
  after(() => rmSync(folder, { recursive: true }));
  const [etc, run] = [join(folder, 'etc'), join(folder, 'run')];
  for (const directory of [etc, run]) mkdirSync(directory);
  writeFileSync(join(etc, 'gpu.yaml'), gpu);
  writeFileSync(join(etc, 'notes.txt'), 'no specification');
  const resolve = async (...names: string[]): Promise<readonly CdiAdaptation[]> => {
    const inputs = createInputs({ environment: {}, cwd: '/' });
    const wanted = names.map((name) => parseCdiName(name) ?? assert.fail(name));
    return resolveCdiDevices(wanted, await readCdiRegistry(inputs, [etc, run]));
  };

  test('bring what their specification says, what is common to all once and first', async () => {
    const found = await resolve('vendor.com/gpu=0', 'vendor.com/gpu=all');
    assert.deepEqual(
      found.map(({ origin }) => origin.replace(folder, '')),
      [
        '/etc/gpu.yaml: all devices of vendor.com/gpu',
        '/etc/gpu.yaml:17: device vendor.com/gpu=0',
        '/etc/gpu.yaml:21: device vendor.com/gpu=all',
      ],
    );
    assert.deepEqual(found[0]?.environment, [{ edit: 'set', name: 'VENDOR_VISIBLE', value: 'void' }]);
    assert.deepEqual(found[0]?.mounts, [
      {
        kind: 'bind',
        source: '/usr/lib/libvendor.so.1',
        target: '/usr/lib/libvendor.so.1',
        flags: { readOnly: true, nosuid: true, nodev: true, recursive: true },
      },
    ]);
    assert.equal(found[0]?.hooks.length, 1);
    assert.deepEqual(found[2]?.additionalGids, [44]);
    assert.deepEqual(found[2]?.mounts[1], { kind: 'bind', source: '/dev/card1', target: '/dev/vendor1', flags: {} });
  });

  test('need no process for what a plan can do itself', async () => {
    const hooked = gpu
      .replace('/usr/bin/vendor-hook', '/usr/bin/nvidia-cdi-hook')
      .replace(
        '[vendor-hook, update-ldcache]',
        '[nvidia-cdi-hook, create-symlinks, --link, "libvendor.so.1::/usr/lib/libvendor.so", "--link=libvendor.so::/usr/lib/lv.so"]',
      );
    const folded = hooked.replace(
      'devices:',
      `    - hookName: createContainer
      path: /usr/bin/nvidia-ctk
      args: [nvidia-ctk, hook, update-ldcache, --folder, /usr/lib]
    - hookName: createContainer
      path: /usr/bin/nvidia-ctk
      args: [nvidia-ctk, hook, create-symlinks, --link, "elsewhere.so::/usr/lib/x.so"]
devices:`,
    );
    const spec = parseCdiSpec(folded, 'x');
    const [common] = resolveCdiDevices([{ kind: 'vendor.com/gpu', device: '0' }], {
      directories: [{ path: '/etc/cdi', specs: [spec] }],
      faults: [],
    });
    assert.deepEqual(
      common?.mounts.map((mount) => [mount.kind === 'bind' && mount.source, mount.target]),
      ['libvendor.so.1', 'libvendor.so', 'lv.so'].map((name) => ['/usr/lib/libvendor.so.1', `/usr/lib/${name}`]),
    );
    assert.deepEqual(common?.environment.slice(1), [
      { edit: 'append', name: 'LD_LIBRARY_PATH', value: '/usr/lib', separator: ':' },
    ]);
    assert.deepEqual(
      common?.hooks.map(({ args }) => args.at(-1)),
      ['elsewhere.so::/usr/lib/x.so'],
    );
  });

  test('come from the place of the higher priority', async () => {
    writeFileSync(
      join(run, 'gpu.json'),
      JSON.stringify({
        cdiVersion: '0.6.0',
        kind: 'vendor.com/gpu',
        devices: [{ name: '0', containerEdits: { deviceNodes: [{ path: '/dev/other' }] } }],
      }),
    );
    const found = await resolve('vendor.com/gpu=0');
    rmSync(join(run, 'gpu.json'));
    assert.deepEqual(
      found.map(({ mounts }) => mounts[0]?.target),
      ['/dev/other'],
    );
  });

  test('that two files of one place have are refused', async () => {
    writeFileSync(join(etc, 'again.yaml'), gpu);
    await assert.rejects(resolve('vendor.com/gpu=0'), (error) => hasCode(error, 'cdi-device-ambiguous'));
    rmSync(join(etc, 'again.yaml'));
  });

  test('that no file has are refused, with those that are there', async () => {
    await assert.rejects(resolve('vendor.com/gpu=7'), /no specification has it; vendor\.com\/gpu has 0, all/);
    await assert.rejects(resolve('other.com/nic=0'), /have vendor\.com\/gpu$/);
  });

  test('are found beside a file that is broken, which is told when they are not', async () => {
    writeFileSync(join(etc, 'broken.yaml'), 'kind: [');
    assert.equal((await resolve('vendor.com/gpu=0')).length, 2);
    await assert.rejects(resolve('other.com/nic=0'), /broken\.yaml can not be used: /);
    rmSync(join(etc, 'broken.yaml'));
  });
});
