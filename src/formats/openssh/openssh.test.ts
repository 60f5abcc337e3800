// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { ed25519KeyOf, parsePort, parsePublicKey, privateKeyText, publicKeyText, withoutKeywords } from './index.ts';

suite("OpenSSH's files", () => {
  test('private keys are what ssh-keygen reads', (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'slipway-test-'));
    try {
      for (const comment of ['', 'a', 'of job 17', 'seven b']) {
        const key = ed25519KeyOf(Buffer.alloc(32, comment.length));
        const file = join(directory, `key-${comment.length}`);
        writeFileSync(file, privateKeyText(key, comment), { mode: 0o600 });
        const said = execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' });
        assert.equal(said.trim(), publicKeyText(key, comment).trim());
      }
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') context.skip('there is no ssh-keygen');
      else throw error;
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('a seed has 32 bytes', () => assert.throws(() => ed25519KeyOf(Buffer.alloc(31)), RangeError));

  test('public keys lose their comment, and have no options', () => {
    const text = publicKeyText(ed25519KeyOf(Buffer.alloc(32, 1)), 'me@here');
    const bare = text.slice(0, text.lastIndexOf(' '));
    assert.equal(parsePublicKey(text), bare);
    assert.equal(parsePublicKey(`${text}\n`), bare);
    for (const bad of [
      '',
      `command="x" ${text}`,
      `${text}\n${text}`,
      text.replace('ed25519', 'rsa'),
      'ssh-rsa x command=y',
      'ssh-rsa',
    ]) {
      assert.equal(parsePublicKey(bad), undefined, bad);
    }
  });

  test('no text that is read as a key holds more than one line', () => {
    fc.assert(fc.property(fc.string(), (text) => !(parsePublicKey(`ssh-ed25519 ${text}`) ?? '').includes('\n')));
  });

  test('lines are known by their keyword', () => {
    const text = 'HostKey /a\n  hostkey=/b\n# HostKey /c\nPort 99\nport 98\n';
    assert.equal(withoutKeywords(text, ['hostkey', 'port']), '# HostKey /c\n');
    assert.equal(parsePort(text), 99);
    assert.equal(parsePort('Port = "1204"  # ours'), 1204);
    for (const bad of ['', 'Port 0', 'Port 70000', 'Port x', '#Port 1']) assert.equal(parsePort(bad), undefined);
  });
});
