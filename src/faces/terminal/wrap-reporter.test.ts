// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Digest } from '../../model/index.ts';
import { fakeEnvironment } from './testing/fake-environment.ts';
import { screenAfter } from './testing/screen.ts';
import { createWrapReporter } from './wrap-reporter.ts';

const digest = `sha256:${'a'.repeat(64)}` as Digest;

test('what is said, what installers say, and how far it is, one after another', () => {
  const environment = fakeEnvironment({ isTerminal: true });
  const { stderr } = environment;
  const { emit, close } = createWrapReporter(environment, {
    say: (kind, text) => {
      if (kind !== 'debug') stderr.write(`${kind}: ${text}\n`);
    },
    pass: (text) => stderr.write(text),
    isQuiet: false,
  });
  const screen = (): readonly string[] => screenAfter(stderr.text(), 80);
  emit({ type: 'stage', text: 'Installing' });
  environment.pass(1000);
  assert.deepEqual(screen(), ['info: Installing', '  Installing, 1s']);
  emit({ type: 'output', text: 'it says\u0007 so\n', stream: 'stdout' });
  emit({ type: 'stage', text: 'Creating the image' });
  emit({ type: 'image-progress', files: 1000, contentBytes: 3 << 20 });
  environment.pass(12_000);
  assert.equal(screen().at(-1), '  Creating the image, 1000 files, 3.0 MiB, 12s');
  emit({ type: 'image-written', path: '/x', files: 1234, contentBytes: 4 << 20, sizeBytes: 1 << 20 });
  environment.pass(1000);
  close();
  const [first, said, ...rest] = screen();
  assert.deepEqual(
    [first, rest],
    ['info: Installing', ['info: Creating the image', 'info: 1234 files, 4.0 MiB, became one of 1.0 MiB']],
  );
  assert.match(said ?? '', /^it says.* so$/);
  assert.ok(!stderr.text().includes('\u0007'));
});

test('a pull in a log, and nothing but warnings where it is to be quiet', () => {
  const pulled = (isQuiet: boolean): string => {
    const environment = fakeEnvironment();
    const { emit, close } = createWrapReporter(environment, { say: () => undefined, pass: () => undefined, isQuiet });
    emit({ type: 'pull', event: { type: 'blob-done', digest, sizeBytes: 5 << 20, wasCached: false } });
    emit({ type: 'pull', event: { type: 'warning', code: 'x', text: 'something is odd', count: 1 } });
    close();
    return environment.stderr.text();
  };
  assert.match(pulled(false), new RegExp(`^layer ${digest} 5\\.0 MiB done\n.*something is odd`));
  assert.match(pulled(true), /^[^\n]*something is odd[^\n]*\n$/);
});
