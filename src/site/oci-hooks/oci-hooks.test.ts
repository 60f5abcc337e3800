// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { type HookDialect, type HookFile, hookMatches, type HookSubject, lineOf, parseHookFile } from './index.ts';

const right = {
  version: '1.0.0',
  hook: { path: '/opt/hook', args: ['hook', 'word'], env: ['A=b'], timeout: 3 },
  when: { always: true },
  stages: ['createContainer', 'poststop'],
};
const parse = (value: unknown, dialect: HookDialect = 'sarus'): HookFile =>
  parseHookFile(typeof value === 'string' ? value : JSON.stringify(value), {
    file: '/f.json',
    dialect,
    refuse: (reason) => {
      throw new Error(reason);
    },
  });
const subject = (
  given: Partial<HookSubject> & { readonly labels?: Readonly<Record<string, string>> } = {},
): HookSubject => ({
  annotations: new Map(Object.entries(given.labels ?? {})),
  command: given.command ?? '/bin/sh',
  hasBindMounts: given.hasBindMounts ?? false,
});
const matches = (when: unknown, about = subject(), dialect: HookDialect = 'sarus'): boolean =>
  hookMatches(parse({ ...right, when }, dialect), about);

suite('a hook file', () => {
  test('says what is run, when and at which stages', () => {
    const { hook, stages } = parse(right);
    assert.deepEqual(hook, { path: '/opt/hook', args: ['hook', 'word'], env: ['A=b'], timeoutSeconds: 3 });
    assert.deepEqual(stages, ['createContainer', 'poststop']);
    assert.deepEqual(parse({ ...right, hook: { path: '/x' } }).hook, { path: '/x', args: ['/x'], env: undefined });
  });

  test('is refused with the member that is wrong', () => {
    const cases: readonly (readonly [unknown, RegExp])[] = [
      ['{', /not JSON/],
      ['[]', /no JSON object/],
      [{ ...right, version: '2.0.0' }, /version "2\.0\.0"/],
      [{ ...right, hook: undefined }, /hook is missing/],
      [{ ...right, hook: {} }, /hook\.path is missing/],
      [{ ...right, hook: { path: 'rel' } }, /not absolute/],
      [{ ...right, hook: { path: '/a', timeout: 0 } }, /timeout is less than 1/],
      [{ ...right, hook: { path: '/a', env: ['x'] } }, /NAME=VALUE/],
      [{ ...right, hook: { path: '/a', args: 'x' } }, /hook\.args is no list/],
      [{ ...right, when: {} }, /when has no condition/],
      [{ ...right, when: { sometimes: true } }, /when\.sometimes/],
      [{ ...right, when: { commands: ['('] } }, /no regular expression/],
      [{ ...right, when: { annotations: { 'a)|(b': 'x' } } }, /no regular expression/],
      [{ ...right, stages: ['later'] }, /"later" is no stage/],
      [{ ...right, more: 1 }, /more is no member/],
    ];
    for (const [value, reason] of cases) assert.throws(() => parse(value), { message: reason }, JSON.stringify(value));
  });

  test('has lines to point at', () => {
    assert.equal(lineOf(JSON.stringify(right, undefined, 2), 'word'), 7);
  });

  test('no text is more than refused', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.constantFrom('sarus', 'podman'), (text, dialect) => {
        try {
          parse(text, dialect);
        } catch (error) {
          assert.ok(error instanceof Error && error.message.length > 0);
        }
      }),
    );
  });
});

suite('conditions', () => {
  test('of Sarus: all of them, whole texts', () => {
    assert.ok(matches({ always: true }));
    assert.ok(!matches({ always: false }));
    const mpi = { annotations: { '^com.hooks.mpi.enabled$': '^true$', 'com.hooks.mpi.type': 'libfabric' } };
    assert.ok(
      matches(mpi, subject({ labels: { 'com.hooks.mpi.enabled': 'true', 'com.hooks.mpi.type': 'libfabric' } })),
    );
    assert.ok(!matches(mpi, subject({ labels: { 'com.hooks.mpi.enabled': 'true' } })));
    assert.ok(!matches({ annotations: { com: 'true' } }, subject({ labels: { 'com.x': 'true' } })));
    assert.ok(matches({ commands: ['/bin/.*', 'x'] }));
    assert.ok(!matches({ commands: ['bin'] }));
    assert.ok(!matches({ always: true, commands: ['x'] }));
    assert.ok(matches({ hasBindMounts: false }) && !matches({ hasBindMounts: true }));
    assert.ok(matches({ hasBindMounts: true }, subject({ hasBindMounts: true })));
  });

  test('of podman: expressions anywhere in the text, a command decides', () => {
    assert.ok(matches({ commands: ['bin'] }, subject(), 'podman'));
    assert.ok(matches({ annotations: { com: 'tr' } }, subject({ labels: { 'a.com.x': 'true' } }), 'podman'));
    assert.ok(!matches({ hasBindMounts: false }, subject(), 'podman'));
    assert.ok(matches({ hasBindMounts: true }, subject({ hasBindMounts: true }), 'podman'));
    assert.ok(!matches({ always: true, commands: ['x'] }, subject(), 'podman'));
    assert.deepEqual(parse({ ...right, stages: ['prestart'] }, 'podman').stages, ['createRuntime']);
  });

  test('of schema 0.1.0, podman’s alone: any of them', () => {
    const old = {
      hook: '/h',
      arguments: ['a'],
      stages: ['prestart'],
      cmds: ['sh$'],
      annotations: ['^yes$'],
      hasbindmounts: true,
    };
    assert.ok(hookMatches(parse(old, 'podman'), subject()));
    assert.ok(!hookMatches(parse(old, 'podman'), subject({ command: '/bin/ls' })));
    assert.ok(hookMatches(parse(old, 'podman'), subject({ command: '/bin/ls', labels: { any: 'yes' } })));
    assert.deepEqual(parse(old, 'podman').hook.args, ['/h', 'a']);
    assert.throws(() => parse(old));
  });
});
