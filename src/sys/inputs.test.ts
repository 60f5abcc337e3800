// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { hasCode, type TraceEntry } from '../model/index.ts';
import { createInputs, type Inputs } from './inputs.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-inputs-'));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
writeFileSync(at('file'), 'text\n');
mkdirSync(at('directory'));
writeFileSync(at('directory/b'), '');
writeFileSync(at('directory/a'), '');
symlinkSync('file', at('link'));
symlinkSync('nothing', at('dangling'));

const inputs = (environment: Readonly<Record<string, string>> = {}): Inputs =>
  createInputs({ environment, cwd: '/the/cwd' });
/** The trace that one look leaves, without the stamps' values. */
const traceOf = (look: (on: Inputs) => unknown): readonly object[] => {
  const on = inputs({ SET: 'value', EMPTY: '' });
  look(on);
  return on.trace().map((entry) => ('stamp' in entry ? { read: entry.read, path: entry.path } : entry));
};

suite('each look at the machine is in the trace', () => {
  test('a variable, set or not', () => {
    const on = inputs({ SET: 'value', EMPTY: '' });
    assert.deepEqual(
      [on.environment('SET'), on.environment('EMPTY'), on.environment('UNSET')],
      ['value', '', undefined],
    );
    assert.deepEqual(on.trace(), [
      { read: 'environment', name: 'SET', value: 'value' },
      { read: 'environment', name: 'EMPTY', value: '' },
      { read: 'environment', name: 'UNSET', value: undefined },
    ]);
  });

  test('who asks, as the kernel has it', () => {
    const on = inputs();
    const { uid, gid, groups } = on.identity();
    const status = execFileSync('grep', ['-E', '^(Uid|Gid|Groups):', '/proc/self/status'], { encoding: 'utf8' });
    assert.equal(Number(/^Uid:\t\d+\t(\d+)/m.exec(status)?.[1]), uid);
    assert.equal(Number(/^Gid:\t\d+\t(\d+)/m.exec(status)?.[1]), gid);
    assert.equal(/^Groups:[ \t]*(.*?) *$/m.exec(status)?.[1], groups.join(' '));
    assert.deepEqual(on.trace(), [{ read: 'identity', uid, gid, groups }]);
  });

  test('the working directory, only where a relative path needs it', () => {
    assert.deepEqual(
      traceOf((on) => on.absolute('/a/../b')),
      [],
    );
    assert.equal(inputs().absolute('/a/../b/'), '/b');
    const on = inputs();
    assert.equal(on.absolute('../x'), '/the/x');
    assert.deepEqual(on.trace(), [{ read: 'cwd', path: '/the/cwd' }]);
    const removed = createInputs({ environment: {}, cwd: '' });
    assert.equal(removed.absolute('/a'), '/a');
    assert.throws(
      () => removed.absolute('a'),
      (error) => hasCode(error, 'input-unreadable'),
    );
  });

  test('a file, by what stat says of it', () => {
    const on = inputs();
    assert.equal(on.readText(at('file')), 'text\n');
    const [entry] = on.trace();
    assert.ok(entry?.read === 'file');
    const stats = statSync(at('file'), { bigint: true });
    assert.deepEqual(entry.stamp, {
      dev: stats.dev,
      ino: stats.ino,
      mode: stats.mode,
      sizeBytes: 5n,
      mtimeNs: stats.mtimeNs,
      ctimeNs: stats.ctimeNs,
    });
  });

  test('a file that is opened and read at any place', () => {
    assert.deepEqual(
      traceOf((on) => {
        const file = on.openFile(at('file'));
        assert.ok(file !== undefined);
        assert.deepEqual([file.sizeBytes, file.read(1, 3).toString(), file.read(3, 100).toString()], [5, 'ext', 't\n']);
        file.close();
      }),
      [{ read: 'file', path: at('file') }],
    );
  });

  test('a directory’s names, sorted', () => {
    assert.deepEqual(
      traceOf((on) => assert.deepEqual(on.listDirectory(at('directory')), ['a', 'b'])),
      [{ read: 'file', path: at('directory') }],
    );
  });

  test('the kind of a file, links followed', () => {
    const kind = (name: string): unknown => inputs().kindOf(name);
    assert.deepEqual(
      ['file', 'link', 'directory'].map((name) => kind(at(name))),
      ['file', 'file', 'directory'],
    );
    assert.deepEqual([kind('/dev/null'), kind(at('dangling'))], ['other', undefined]);
    assert.deepEqual(
      traceOf((on) => on.kindOf(at('link'))),
      [{ read: 'kind', path: at('link'), format: 0o100000, follows: true }],
    );
  });

  test('what stands at a path itself: a link with its text and stamp', () => {
    assert.deepEqual(
      traceOf((on) => assert.deepEqual(on.entryAt(at('link')), { kind: 'link', target: 'file' })),
      [{ read: 'link', path: at('link') }],
    );
    assert.deepEqual(
      traceOf((on) => assert.deepEqual(on.entryAt(at('directory')), { kind: 'directory' })),
      [{ read: 'kind', path: at('directory'), format: 0o040000, follows: false }],
    );
  });

  test('what is absent, also below a file', () => {
    for (const path of [at('nothing'), at('dangling'), at('file/below')]) {
      const looks: readonly ((on: Inputs) => unknown)[] = [
        (on) => on.readText(path),
        (on) => on.openFile(path),
        (on) => on.listDirectory(path),
        (on) => on.kindOf(path),
      ];
      for (const look of looks) {
        assert.deepEqual(
          traceOf((on) => assert.equal(look(on), undefined)),
          [{ read: 'absent', path }],
        );
      }
    }
    assert.deepEqual(
      traceOf((on) => on.entryAt(at('nothing'))),
      [{ read: 'absent', path: at('nothing') }],
    );
  });

  test('once, with what was seen first', () => {
    const on = inputs({ A: '1' });
    on.environment('A');
    on.environment('A');
    on.kindOf(at('file'));
    on.kindOf(at('file'));
    on.readText(at('file'));
    assert.deepEqual(
      on.trace().map((entry: TraceEntry) => entry.read),
      ['environment', 'kind', 'file'],
    );
  });
});

test('what can’t be read is an error, not an absence', () => {
  symlinkSync('loop', at('loop'));
  const isUnreadable = (error: unknown): boolean => hasCode(error, 'input-unreadable');
  for (const path of [at('loop'), at('x'.repeat(300)), at('directory')]) {
    assert.throws(() => inputs().readText(path), isUnreadable);
  }
  assert.throws(() => inputs().listDirectory(at('loop')), isUnreadable);
  assert.throws(() => inputs().kindOf(at('loop')), isUnreadable);
  assert.throws(() => inputs().readText(at('file'), 4), isUnreadable);
  assert.equal(inputs().readText(at('file'), 5), 'text\n');
});

suite('how young the youngest file is', () => {
  test('is the later of its two times, of the youngest file that was looked at', () => {
    assert.equal(inputs().youngestStamp(), undefined);
    const on = inputs();
    on.kindOf(at('file'));
    assert.equal(on.youngestStamp(), undefined, 'only kinds and absences were seen');
    writeFileSync(at('old'), '');
    utimesSync(at('old'), 1000, 1000);
    on.readText(at('old'));
    // utimes changes the time of modification; that of the change of the inode is now.
    assert.equal(on.youngestStamp()?.changedNs, statSync(at('old'), { bigint: true }).ctimeNs);
    utimesSync(at('old'), 4_000_000_000, 4_000_000_000);
    on.listDirectory(at('directory'));
    const later = inputs();
    later.readText(at('old'));
    later.readText(at('file'));
    assert.equal(later.youngestStamp()?.changedNs, 4_000_000_000_000_000_000n);
  });

  test('is never old enough for a stream, which can be read once only', () => {
    const pipe = at('pipe');
    execFileSync('mkfifo', [pipe]);
    // Both ends, so that neither open waits.
    const fd = openSync(pipe, 'r+');
    writeFileSync(fd, 'from a pipe');
    const on = inputs();
    const file = on.openFile(pipe);
    assert.equal(file?.read(0, 11).toString(), 'from a pipe');
    file?.close();
    closeSync(fd);
    const youngest = on.youngestStamp();
    assert.ok(youngest !== undefined && youngest.changedNs > BigInt(Date.now()) * 1_000_000n);
  });

  test('a hard link that appears is noticed: it changes the inode', () => {
    const stampOf = (): unknown => {
      const on = inputs();
      on.readText(at('file'));
      return on.trace()[0];
    };
    const before = stampOf();
    const deadline = Date.now() + 5000;
    linkSync(at('file'), at('second-name'));
    while (JSON.stringify(stampOf(), bigints) === JSON.stringify(before, bigints)) {
      assert.ok(Date.now() < deadline, 'the stamp never changed');
      rmSync(at('second-name'), { force: true });
      linkSync(at('file'), at('second-name'));
    }
  });
});

function bigints(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
