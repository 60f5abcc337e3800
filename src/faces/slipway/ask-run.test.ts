// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { hasCode, noIsolation, type RunRequest } from '../../model/index.ts';
import type { Inputs } from '../../sys/inputs.ts';
import { askRun, type AskedSlipwayRun, isRunHelpWanted } from './ask-run.ts';

/** A machine of a few files, in /cwd. */
function machine(
  files: Readonly<Record<string, string>> = {},
  environment: Readonly<Record<string, string>> = {},
): Inputs {
  const unused = (): never => {
    throw new Error('a command line is read without this');
  };
  return {
    environment: (name) => (name.includes('SLIPWAY_JOB_IMAGE') ? environment[name] : unused()),
    identity: unused,
    absolute: (path) => (path.startsWith('/') ? path : `/cwd/${path.replace(/^\.\//, '')}`),
    readText: (path) => files[path],
    openFile: unused,
    openRegularFile: unused,
    ownerOf: unused,
    realPath: unused,
    listDirectory: unused,
    kindOf: (path) => (files[path] === 'directory' ? 'directory' : files[path] === undefined ? undefined : 'file'),
    entryAt: unused,
    trace: unused,
    youngestStamp: unused,
  };
}
const ask = (words: readonly string[], inputs = machine()): AskedSlipwayRun =>
  askRun(['slipway', 'run', ...words], inputs);
const requestOf = (...words: string[]): RunRequest => ask([...words, 'image', 'command']).request;

suite('the words after slipway run', () => {
  test('are options, an image, and a command', () => {
    assert.deepEqual(ask(['image', 'ls', '-l']), {
      image: 'image',
      devices: [],
      request: {
        adaptations: [],
        writable: { kind: 'none' },
        hasCommand: true,
        home: true,
        joining: { kind: 'ranks' },
        isolation: noIsolation,
      },
      covers: { words: ['slipway', 'run', 'image'], isExact: false },
    });
  });

  test('are covered by the plan up to the command, with `--` where it stands', () => {
    for (const [words, covered] of [
      [['image', 'ls'], 1],
      [['image', '--', 'ls', '-l'], 2],
      [['-e', 'A=1', 'image', 'ls', '--', 'x'], 3],
      [['--env', 'A=1', '--no-home', '--', 'image', 'ls'], 5],
      [['--workdir=/x', 'image', '--', '--', 'ls'], 3],
    ] as const) {
      const { covers } = ask(words);
      assert.deepEqual(
        covers,
        { words: ['slipway', 'run', ...words.slice(0, covered)], isExact: false },
        words.join(' '),
      );
    }
  });

  test('name directories of hook files, and annotations by which they are chosen', () => {
    const { hooks } = ask([
      '--hooks-dir=a',
      '--annotation',
      'k=v=w',
      '--hooks-dir',
      '/b',
      '--annotation=e=',
      'image',
      'ls',
    ]);
    const annotations = new Map([
      ['k', 'v=w'],
      ['e', ''],
    ]);
    assert.deepEqual(hooks, { directories: ['a', '/b'], annotations, command: ['ls'] });
    for (const text of ['', '=v', 'k'])
      assert.throws(
        () => ask([`--annotation=${text}`, 'image']),
        (error) => hasCode(error, 'usage'),
        text,
      );
  });

  test('without a command are covered exactly: any word added would be one', () => {
    for (const words of [['image'], ['image', '--'], ['-w', 'image']]) {
      const { covers, request } = ask(words);
      assert.deepEqual([covers.isExact, covers.words.slice(2), request.hasCommand], [true, words, false]);
    }
  });

  test('split at the same place whatever the command is', () => {
    const option = fc.constantFrom(['-e', 'A=1'], ['--no-home'], ['--workdir', '/w'], ['-w'], ['--uid=5'], ['-v/a:/b']);
    const command = fc.array(
      fc.string().filter((word) => !word.includes('\0')),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(fc.array(option, { maxLength: 3 }), command, command, (options, one, other) => {
        const before = [...options.flat(), 'image', '--'];
        const first = ask([...before, ...one]);
        assert.deepEqual(ask([...before, ...other]), first);
        assert.deepEqual(first.covers.words, ['slipway', 'run', ...before]);
      }),
    );
  });

  test('may leave out the image in a job that has one, before `--` or with no command', () => {
    for (const name of ['SLIPWAY_JOB_IMAGE', 'SLURM_SPANK_SLIPWAY_JOB_IMAGE']) {
      const inputs = machine({}, { [name]: 'sha256:12' });
      const withCommand = ask(['-e', 'A=--', '--', 'app', '-x'], inputs);
      assert.deepEqual(
        [withCommand.image, withCommand.covers],
        ['sha256:12', { words: ['slipway', 'run', '-e', 'A=--', '--'], isExact: false }],
      );
      const without = ask([], inputs);
      assert.deepEqual([without.image, without.covers], ['sha256:12', { words: ['slipway', 'run'], isExact: true }]);
      assert.equal(ask(['other', 'app'], inputs).image, 'other');
    }
    assert.equal(ask(['--', 'image']).image, 'image');
  });

  test('name devices by specification or by path', () => {
    const asked = ask(['--device', 'vendor.com/gpu=0', '--device=/dev/fuse', '--device=/dev/a:/dev/b', 'image']);
    assert.deepEqual(asked.devices, [{ kind: 'vendor.com/gpu', device: '0' }]);
    assert.deepEqual(
      asked.request.adaptations.flatMap(({ mounts }) => mounts),
      [
        { kind: 'bind', source: '/dev/fuse', target: '/dev/fuse', flags: {} },
        { kind: 'bind', source: '/dev/a', target: '/dev/b', flags: {} },
      ],
    );
    assert.throws(() => ask(['--device', 'gpu', 'image']), /neither vendor\.com\/class=name nor an absolute path/);
  });

  test('ask for help only where an option stands', () => {
    assert.equal(isRunHelpWanted(['slipway', 'run', '--help']), true);
    assert.equal(isRunHelpWanted(['slipway', 'run', '--nonsense', '--help']), false);
    assert.equal(isRunHelpWanted(['slipway', 'run', '-h', '--nonsense']), true);
    assert.equal(isRunHelpWanted(['slipway', 'run', 'image', '--help']), false);
    assert.equal(isRunHelpWanted(['slipway', 'run', 'image', '--', '-h']), false);
  });
});

suite('options of slipway run', () => {
  test('variables and mounts keep their order, each with the words that asked for it', () => {
    const inputs = machine({ '/cwd/vars': 'B=2\nHOST_*\n' });
    const { adaptations } = ask(
      ['-e', 'A=1', '--env-file=./vars', '--unset-env=X*', '-v', 'data:/mnt', 'image', 'x'],
      inputs,
    ).request;
    assert.deepEqual(
      adaptations.map(({ origin }) => origin),
      ['--env A=1', '--env-file ./vars', '--unset-env X*', '--volume data:/mnt'],
    );
    assert.deepEqual(
      adaptations.flatMap(({ environment }) => environment),
      [
        { edit: 'set', name: 'A', value: '1' },
        { edit: 'set', name: 'B', value: '2' },
        { edit: 'unset', glob: 'X*' },
      ],
    );
    assert.deepEqual(adaptations[3]?.mounts, [
      { kind: 'bind', source: '/cwd/data', target: '/mnt', flags: { recursive: true } },
    ]);
  });

  test('--clear-env comes first and keeps what is named without a value, wherever that stands', () => {
    const { adaptations } = requestOf('-e', 'SLURM_*', '--clear-env', '-e', 'A=1', '-e', 'B');
    assert.deepEqual(adaptations[0], {
      origin: '--clear-env',
      mounts: [],
      environment: [{ edit: 'clear', keep: ['HOME', 'USER', 'LOGNAME', 'TERM', 'SLURM_*', 'B'] }],
    });
  });

  test('--writable is memory of a size, or a directory', () => {
    const inputs = machine({ '/cwd/over': 'directory', '/cwd/5': 'directory' });
    const writable = (word: string): object => ask([word, 'image', 'x'], inputs).request.writable;
    assert.deepEqual(writable('-w'), { kind: 'tmpfs', sizeBytes: 2 ** 30 });
    assert.deepEqual(writable('-w64M'), { kind: 'tmpfs', sizeBytes: 2 ** 26 });
    assert.deepEqual(writable('-wover'), { kind: 'directory', path: '/cwd/over' });
    assert.deepEqual(writable('--writable=./5'), { kind: 'directory', path: '/cwd/5' });
    assert.deepEqual(writable('--writable=5'), { kind: 'tmpfs', sizeBytes: 5 });
  });

  test('the rest', () => {
    assert.equal(requestOf('--no-home').home, false);
    assert.equal(requestOf('-C/w').workdir, '/w');
    assert.deepEqual(requestOf('--entrypoint=/e f').entrypoint, ['/e f']);
    assert.deepEqual(requestOf('--entrypoint=').entrypoint, []);
    assert.deepEqual([requestOf('--uid=0').uid, requestOf('--gid=4294967294').gid], [0, 4294967294]);
    assert.deepEqual(requestOf('--join=never').joining, { kind: 'nobody' });
    assert.deepEqual(requestOf('--join-tag=t').joining, { kind: 'tag', tag: 't' });
    assert.deepEqual(requestOf('--join-pid=5').joining, { kind: 'process', pid: 5 });
    assert.deepEqual(requestOf('--private=pid,tmp', '-t', '--private', 'ipc,pid').isolation, {
      ...noIsolation,
      namespaces: ['pid', 'ipc'],
      privateTmp: true,
    });
    assert.equal(requestOf('--fake-root').isolation.fakesRoot, true);
  });

  test('that make no sense are usage errors which name the option', () => {
    for (const [words, reason] of [
      [['--env', '=1'], /--env: "=1"/],
      [['--env-file', '/none'], /--env-file: \/none: no such file/],
      [['--uid', '1x'], /--uid: "1x" is no id/],
      [['--uid', '4294967295'], /--uid/],
      [['--workdir', 'w'], /--workdir: "w" is no absolute path/],
      [['--writable=none'], /--writable: "none"/],
      [['--writable=0'], /--writable: "0"/],
      [['-v', '/a:/'], /--volume \/a:\/: the target/],
      [['--mount', 'x'], /--mount x: "x" is no key/],
      [['--private=all'], /--private: "all"/],
      [['--join=maybe'], /--join: "maybe"/],
      [['--join-tag='], /--join-tag: the tag is empty/],
      [['--join-pid=0x1'], /--join-pid/],
      [['--join-pid=0'], /--join-pid: "0"/],
      [['--join-pid=2147483648'], /--join-pid/],
      [['--limit=x'], /--limit: "x"/],
      [['--umask=9'], /--umask: "9"/],
      [['--capabilities=x'], /--capabilities: "x"/],
      [['--close-fds=x'], /--close-fds: "x"/],
      [['--nonsense'], /nonsense/],
    ] as const) {
      assert.throws(
        () => ask([...words, 'image', 'x']),
        (error) => hasCode(error, 'usage') && error.exitStatus === 2 && reason.test(error.message),
        words.join(' '),
      );
    }
    for (const words of [[], [''], ['--', ''], ['-e', 'A=1']]) {
      assert.throws(
        () => ask(words),
        (error) => hasCode(error, 'usage') && /no image was named/.test(error.message),
        words.join(' '),
      );
    }
  });
});
