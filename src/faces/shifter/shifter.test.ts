// SPDX-License-Identifier: Apache-2.0
// What `shifter` makes of words, variables and the site's texts, before anything is mounted.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { optionTableFaults } from '../../formats/getopt/index.ts';
import { askShifter, type ShifterAsk } from './ask.ts';
import { shifterOptions } from './description.ts';
import { filterGroups } from './etc-files.ts';
import { chooseImage, parseImage } from './image-choice.ts';
import { selectModules } from './modules.ts';
import { preparedImageText, readPreparedImage, readShifterConfig, shifterConfigText } from './shifter-config.ts';
import { isAllowed } from './site-image.ts';

function ask(words: readonly string[], variables: Readonly<Record<string, string>> = {}): ShifterAsk {
  return askShifter(['shifter', ...words], (name) => variables[name], {
    defaultImageType: 'docker',
    defaultModules: ['mpich'],
  });
}

suite('the words of shifter', () => {
  test('are a table that getopt can take', () => assert.deepEqual(optionTableFaults(shifterOptions), []));

  test('end at the command, whose options are its own', () => {
    const { command, image, consumed } = ask(['-i', 'a:1', 'ls', '-l', '--image=b']);
    assert.deepEqual([command, image?.name, consumed], [['ls', '-l', '--image=b'], 'a:1', 3]);
  });

  test('take arguments of --entrypoint and --workdir only with an equals sign', () => {
    assert.deepEqual(ask(['--entrypoint', 'x']).entrypoint, {});
    assert.deepEqual(ask(['--entry=x y', 'z']).entrypoint, { program: 'x y' });
    assert.deepEqual(ask(['-w', 'x']).workdir, {});
    assert.deepEqual(ask(['-w/x', 'y']).workdir, { path: '/x' });
    assert.equal(ask(['x']).workdir, undefined);
  });

  test('refuse variables without a name or a value', () => {
    for (const bad of ['A=', 'A', '=b', '']) assert.throws(() => ask(['-e', bad, 'x']), /--env/, bad);
    assert.deepEqual(ask(['--env=A=b=c', 'x']).variables, [{ name: 'A', value: 'b=c' }]);
  });

  test('join volumes, and take the environment’s only where no option is given', () => {
    const variables = { SHIFTER_VOLUME: '/v:/w', SLURM_SPANK_SHIFTER_VOLUME: '/x:/y' };
    const targets = (words: readonly string[], given: Readonly<Record<string, string>>): readonly string[] =>
      ask(words, given).volumes.map(({ to }) => to);
    assert.deepEqual(targets(['-V', '/a:/b;/c:/d', '--volume=/e:/f', 'x'], variables), ['/b', '/d', '/f']);
    assert.deepEqual(targets(['x'], variables), ['/w']);
    assert.deepEqual(targets(['x'], { SLURM_SPANK_SHIFTER_VOLUME: '/x:/y' }), ['/y']);
  });

  test('say what is wrong with a volume, with Shifter’s number', () => {
    assert.throws(() => ask(['-V', '/a:/etc/x', 'y']), /mount \/a:\/etc\/x: .*invalid volume map, 1/);
  });

  test('replace the site’s modules', () => {
    assert.deepEqual(ask(['x']).moduleNames, ['mpich']);
    assert.deepEqual(ask(['-m', 'a,b', 'x'], { SHIFTER_MODULE: 'c' }).moduleNames, ['a', 'b']);
    assert.deepEqual(ask(['x'], { SLURM_SPANK_SHIFTER_MODULE: 'c' }).moduleNames, ['c']);
    assert.deepEqual(ask(['--module=none', 'x']).moduleNames, []);
  });
});

suite('the image', () => {
  const choose = (variables: Readonly<Record<string, string>>, option?: string): string => {
    const { type, name, request } = chooseImage(option, (variable) => variables[variable], 'docker') ?? {};
    return `${type} ${name} ${request}`;
  };
  const spank = { SLURM_SPANK_SHIFTER_IMAGETYPE: 'id', SLURM_SPANK_SHIFTER_IMAGE: 'aa' };

  test('is of the option, then SHIFTER, then the pair of variables, then the request', () => {
    const all = {
      ...spank,
      SHIFTER: 'custom:s',
      SHIFTER_IMAGETYPE: 'id',
      SHIFTER_IMAGE: 'bb',
      SHIFTER_IMAGEREQUEST: 'r:1',
    };
    assert.equal(choose(all, 'o'), 'docker o o');
    assert.equal(choose(all), 'custom s custom:s');
    assert.equal(choose({ ...all, SHIFTER: '' }), 'id bb r:1');
    assert.equal(choose(spank), 'id aa id:aa');
    assert.equal(choose({ SHIFTER_IMAGE: 'bb', SHIFTER_IMAGEREQUEST: 'r:1' }), 'docker r:1 r:1');
    assert.equal(choose({ SHIFTER_IMAGE: 'bb' }), 'undefined undefined undefined');
    assert.equal(choose({ ...spank, SHIFTER_IMAGE: 'bb' }), 'id bb id:bb');
  });

  test('has a type only where the word before the colon is one', () => {
    const of = (text: string): string => {
      const { type, name } = parseImage(text, 'docker');
      return `${type} ${name}`;
    };
    assert.equal(of('debian:12'), 'docker debian:12');
    assert.equal(of('docker:reg.example.org:5000/a/b:1'), 'docker reg.example.org:5000/a/b:1');
    assert.equal(of('docker://debian:12'), 'docker debian:12');
    assert.equal(of('custom:team/image:v1'), 'custom team/image:v1');
    assert.equal(of('a@sha256:00'), 'docker a@sha256:00');
    assert.equal(of('local:/opt/tree'), 'local /opt/tree');
  });

  test('never leads out of the store or to a relative directory', () => {
    for (const bad of ['id:../x', 'id:a/b', 'id:', 'id:.x', 'local:x', 'local:/a/../b', 'a b', '', 'docker:', 'x;y']) {
      assert.throws(() => parseImage(bad, 'docker'), /read image/, bad);
    }
  });

  test('may be run by those whom its lists name', () => {
    const user = { uid: 7, gid: 70, groups: [71, 72] };
    const allowed = (userIds: readonly number[], groupIds: readonly number[]): boolean =>
      isAllowed(user, { userIds, groupIds });
    assert.deepEqual(
      [allowed([], []), allowed([7], []), allowed([], [72]), allowed([8], [70])],
      [true, true, true, true],
    );
    assert.deepEqual([allowed([8], []), allowed([], [73]), allowed([70], [7])], [false, false, false]);
  });
});

suite('the files of a container', () => {
  test('the configuration is as programs compare it, byte by byte', () => {
    const [volume] = ask(['-V', '/b:/c;/a:/d:ro', 'x']).volumes.toReversed();
    assert.ok(volume);
    const config = {
      identifier: 'abc',
      user: 'ann',
      volumes: ask(['-V', '/b:/c;/a:/d:ro', 'x']).volumes,
      modules: ['m', 'n'],
    };
    assert.equal(
      shifterConfigText(config),
      '{"identifier":"abc","user":"ann","volMap":"/a:/d:ro;/b:/c","modules":"m,n,"}\n',
    );
    assert.equal(
      shifterConfigText({ ...config, volumes: [], modules: [] }),
      '{"identifier":"abc","user":"ann","volMap":"","modules":""}\n',
    );
    assert.deepEqual(readShifterConfig(shifterConfigText(config))?.modules, ['m', 'n']);
    assert.equal(readShifterConfig('{'), undefined);
  });

  test('groups keep one member, and so many of his that a C library can bear', () => {
    const text = 'root:x:0:ann\na:x:1:ann,bob\nbad line\nb:x:2:bob\nann:x:3:\nc:x:4:ann\n';
    assert.equal(filterGroups(text, 'ann', 31), 'a:x:1:ann\nb:x:2:\nann:x:3:ann\nc:x:4:ann\n');
    assert.equal(filterGroups(text, 'ann', 2), 'a:x:1:ann\nb:x:2:\nann:x:3:ann\nc:x:4:\n');
  });

  test('nobody comes into root’s group, whatever the text', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-c:x0-1, ]{0,12}$/), { maxLength: 6 }), (lines) => {
        assert.doesNotMatch(filterGroups(lines.join('\n'), 'a', 3), /^[^:]*:[^:]*:0*:/m);
      }),
    );
  });

  test('what an image says of itself survives being prepared', () => {
    const platform = { os: 'linux', architecture: process.arch };
    const config = { platform, env: ['A=b'], entrypoint: ['/x'], cmd: ['y'], workdir: '/z', labels: {} };
    assert.deepEqual(readPreparedImage(preparedImageText(config)), config);
    assert.deepEqual(readPreparedImage('nothing'), { platform, env: [], entrypoint: [], cmd: [], labels: {} });
  });
});

test('modules keep their order, and exclude one another both ways', () => {
  const module = (name: string, conflicts: readonly string[] = [], isEnabled = true) =>
    [
      name,
      { name, conflicts, isEnabled, siteFs: [], environment: { set: [], append: [], prepend: [], unset: [] } },
    ] as const;
  const modules = new Map([module('a'), module('b', ['a']), module('c'), module('off', [], false)]);
  const select = (...names: string[]): readonly string[] => selectModules(names, { modules }).map(({ name }) => name);
  assert.deepEqual(select('c', 'a', 'c'), ['c', 'a']);
  assert.throws(() => select('a', 'b'), /exclude one another/);
  assert.throws(() => select('b', 'a'), /exclude one another/);
  assert.throws(() => select('off'), /disabled/);
  assert.throws(() => select('nosuch'), /none of this name/);
});
