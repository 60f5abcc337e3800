// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { type ChildOptions, findProgram, withChild, writeTo } from './process.ts';

const never = new AbortController().signal;

function shell(script: string, options: Partial<ChildOptions> = {}): ChildOptions {
  return { argv: ['/bin/sh', '-c', script], signal: never, ...options };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a child gets the words as they are, and no environment but what is said', async () => {
  process.env['PROCESS_TEST_CANARY'] = 'leaked';
  const argv: [string, ...string[]] = ['/bin/sh', '-c', 'printf "[%s]" "$@"; pwd; env', 'sh', 'a b', '$HOME', '*'];
  const { result, end } = await withChild({ argv, env: { ONE: '1' }, stdout: 'pipe', signal: never }, async (child) =>
    text(child.stdout ?? assert.fail()),
  );
  delete process.env['PROCESS_TEST_CANARY'];
  assert.match(result, /^\[a b\]\[\$HOME\]\[\*\]\/\n/);
  assert.match(result, /^ONE=1$/m);
  assert.match(result, /^LC_ALL=C$/m);
  assert.doesNotMatch(result, /CANARY|HOME=/);
  assert.deepEqual(end, { status: 0, signalName: undefined, stderrTail: '' });
});

test('what is written arrives, and the end of input with the end of the work', async () => {
  const { result, end } = await withChild(shell('wc -c; exit 7', { stdout: 'pipe' }), async (child) => {
    for (let turn = 0; turn < 20; turn += 1) await writeTo(child.stdin, Buffer.alloc(100_000));
    child.stdin.end();
    return text(child.stdout ?? assert.fail());
  });
  assert.equal(result.trim(), '2000000');
  assert.equal(end.status, 7);
});

test('the end of standard error is kept, within bounds and without escapes', async () => {
  const script = 'head -c 3000000 /dev/zero | tr "\\0" x >&2; printf "\\033[31mlast\\n words\\n" >&2; kill -TERM $$';
  const { end } = await withChild(shell(script, { stderrTailBytes: 40 }), async () => undefined);
  assert.equal(end.signalName, 'SIGTERM');
  assert.equal(end.status, undefined);
  assert.match(end.stderrTail, /^x+\[31mlast\n words$/);
  assert.ok(end.stderrTail.length <= 40);
});

test('a failure of the work kills the child before it is passed on', async () => {
  let pid = 0;
  await assert.rejects(
    withChild(shell('echo $$; exec sleep 600', { stdout: 'pipe' }), async (child) => {
      for await (const chunk of child.stdout ?? []) {
        pid = Number(String(chunk));
        throw new Error('the work failed');
      }
    }),
    /the work failed/,
  );
  assert.ok(pid > 0 && !isRunning(pid));
});

test('an abort kills the child, whatever the work waits for, and is what is thrown', async () => {
  const reason = new Error('enough');
  for (const wait of ['ended', 'write'] as const) {
    const controller = new AbortController();
    let pid = 0;
    const run = withChild(
      shell('echo $$; exec sleep 600', { stdout: 'pipe', signal: controller.signal }),
      async (child) => {
        for await (const chunk of child.stdout ?? []) {
          pid = Number(String(chunk));
          break;
        }
        setTimeout(() => controller.abort(reason), 10);
        if (wait === 'ended') await child.ended;
        // More than the pipe holds, and nobody reads.
        else await writeTo(child.stdin, Buffer.alloc(8 * 1024 * 1024));
      },
    );
    await assert.rejects(run, reason);
    assert.ok(pid > 0 && !isRunning(pid));
  }
  const aborted = AbortSignal.abort(reason);
  await assert.rejects(
    withChild(shell('exit 0', { signal: aborted }), async () => assert.fail('not run')),
    reason,
  );
});

test('a child that does not read breaks the pipe', async () => {
  await assert.rejects(
    withChild(shell('exit 0'), async (child) => {
      await child.ended;
      await writeTo(child.stdin, Buffer.alloc(8 * 1024 * 1024));
    }),
    { code: /EPIPE|ERR_STREAM_DESTROYED|ECONNRESET/ },
  );
});

test('a program that can not be started is named', async () => {
  const start = (program: string): Promise<unknown> =>
    withChild({ argv: [program], signal: never }, async () => assert.fail('not run'));
  await assert.rejects(start('/nonexistent/program'), {
    message: /start the program \/nonexistent\/program: .*ENOENT/,
  });
  await assert.rejects(start('/etc/passwd'), { code: 'permission-denied' });
  await assert.rejects(start('sh'), /absolute path/);
});

test('programs are found in absolute directories only, in their order', async (context) => {
  const directory = mkdtempSync('/tmp/slipway-test-');
  context.after(() => rmSync(directory, { recursive: true }));
  for (const name of ['one', 'two', 'three']) mkdirSync(`${directory}/${name}`);
  writeFileSync(`${directory}/one/tool`, '', { mode: 0o644 });
  mkdirSync(`${directory}/two/tool`);
  symlinkSync('/bin/sh', `${directory}/three/tool`);
  assert.equal(
    await findProgram('tool', `:.:${directory}/none:${directory}/one:${directory}/two:${directory}/three`),
    `${directory}/three/tool`,
  );
  assert.equal(await findProgram('tool', `${directory}/two:relative:`), undefined);
});
