// SPDX-License-Identifier: Apache-2.0
// The same command lines with Debian's ch-run and with Slipway's, each in a home of its own, as an ordinary user: same
// status, same output, same effect, and the same words but for what docs/differences.md lists.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { suite, test } from 'node:test';
import type { CommandResult } from '../support/command.ts';
import { needs } from '../support/needs.ts';
import { acquireTestUser, type TestUser } from '../support/user.ts';
import { imageCommands } from '../run/images.ts';
import { type CommandLine, commandLines, differences } from './command-lines.ts';
import { makePlayground } from './playground.ts';

const skip = needs({ commands: [...imageCommands, 'ch-run'], userNamespaces: true, fuse: true });
const peer = '/usr/bin/ch-run';

suite('ch-run and that of Debian', { skip }, async () => {
  const [ours, theirs] = await Promise.all([acquireTestUser(), acquireTestUser()]);
  await Promise.all([makePlayground(ours), makePlayground(theirs)]);

  for (const [subject, lines] of Object.entries(commandLines)) {
    suite(subject, () => {
      for (const line of lines) {
        test(nameOf(line), async () => {
          const [one, other] = await Promise.all([
            runLine(ours, `${ours.prefix}/bin/ch-run`, line),
            runLine(theirs, peer, line),
          ]);
          const shown = `theirs: ${JSON.stringify(other)}\nours: ${JSON.stringify(one)}`;
          if (line.does === undefined) {
            assert.deepEqual([one.status, one.signal, one.stdout], [other.status, other.signal, other.stdout], shown);
            assert.equal(one.effect, other.effect, shown);
          }
          if (line.does !== undefined) assert.notDeepEqual({ ...one }, { ...other }, `no longer different: ${shown}`);
          else if (line.says === undefined) assert.equal(one.stderr, other.stderr, shown);
        });
      }
    });
  }

  test('each kind of difference is in use, and listed with its reason', () => {
    const used = new Set(
      Object.values(commandLines).flatMap((lines) => lines.flatMap(({ says, does }) => [says, does])),
    );
    const page = readFileSync(resolve(import.meta.dirname, '../../docs/differences.md'), 'utf8');
    for (const [key, text] of Object.entries(differences)) {
      assert.ok(used.has(key as keyof typeof differences), `${key} is not used`);
      assert.ok(page.includes(text), `docs/differences.md lacks: ${text}`);
    }
  });
});

type Outcome = CommandResult & { readonly effect: string };

async function runLine(user: TestUser, program: string, line: CommandLine): Promise<Outcome> {
  // Both are found by one name, and see the same PATH.
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', TMPDIR: undefined, ...line.env };
  if (line.before !== undefined) await user.runOk(['sh', '-euc', line.before]);
  const result = await user.run([program, ...line.words], { env });
  const effect = line.after === undefined ? '' : await user.runOk(['sh', '-c', line.after]);
  const plain = (text: string): string => normal(text, user);
  return { ...result, stdout: plain(result.stdout), stderr: plain(result.stderr), effect: plain(effect) };
}

/** Without what must differ: process ids, places in the source, homes, users, hints. */
function normal(text: string, user: TestUser): string {
  return text
    .replaceAll(/^\S*\/ch-run: /gm, 'ch-run: ')
    .replaceAll(/`\S*\/ch-run /g, '`ch-run ')
    .replaceAll(/^(ch-run)\[\d+\]/gm, '$1[PID]')
    .replaceAll(/\([a-z_-]+\.(?:c|ts):\d+( \d+)?\)$/gm, '(PLACE$1)')
    .replaceAll(/^  hint: .*\n/gm, '')
    .replaceAll(user.home, 'HOME')
    .replaceAll(new RegExp(`${user.name}\\b`, 'g'), 'USER')
    .replaceAll(new RegExp(`\\b${user.uid}\\b`, 'g'), 'UID')
    .replaceAll(new RegExp(`\\b${user.gid}\\b`, 'g'), 'GID')
    .replaceAll(user.runtimeDirectory, 'RUN');
}

function nameOf({ words, env }: CommandLine): string {
  const variables = Object.entries(env ?? {}).map(([name, value]) =>
    value === undefined ? `-u ${name}` : `${name}=${value}`,
  );
  return [...variables, 'ch-run', ...words.map((word) => (word === '' ? "''" : word))].join(' ');
}
