// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { assert as assertProperty, property, uint8Array } from 'fast-check';
import { systemSearchPath } from '../../sys/process.ts';
import { formatXattrDump, parseXattrDump, readTreeXattrs, writeTreeXattrs } from './tree-xattrs.ts';

describe('dumps of extended attributes', () => {
  it('come back for names of any bytes', () => {
    const name = uint8Array({ minLength: 1, maxLength: 40 }).filter((bytes) => !bytes.includes(0));
    assertProperty(
      property(name, uint8Array({ maxLength: 50 }), (path, value) => {
        const text = `x${Buffer.from(path).toString('latin1')}`;
        const set = new Map([['user.a b=c', Buffer.from(value)]]);
        assert.deepEqual(parseXattrDump(formatXattrDump(text, set)), new Map([[text, set]]));
      }),
    );
  });

  it('leave out what describes the machine', () => {
    const dump = '# file: a\nsecurity.selinux=0x61\nuser.kept=0x62\nsecurity.capability=0x63\n\n';
    assert.deepEqual([...(parseXattrDump(dump).get('a')?.keys() ?? [])], ['user.kept', 'security.capability']);
  });
});

describe('extended attributes on disk', () => {
  const directory = mkdtempSync(join(tmpdir(), 'slipway-xattrs-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  const options = { searchPath: systemSearchPath, signal: new AbortController().signal };

  it('are read and set by the programs of every system', async () => {
    const [from, to] = [join(directory, 'from'), join(directory, 'to')];
    const names = ['plain', 'with blank', 'back\\slash', 'new\nline', '=equals', '#hash'].map((name) =>
      Buffer.from(name),
    );
    names.push(Buffer.from([0xe9, 0xff]));
    for (const tree of [from, to]) {
      mkdirSync(join(tree, 'd'), { recursive: true });
      for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${tree}/d/`), name]), '');
    }
    for (const [index, name] of names.entries()) {
      const path = Buffer.concat([Buffer.from('d/'), name]).toString('latin1');
      const set = new Map([[`user.number ${index}`, Buffer.from([index, 0, 255])]]);
      await writeTreeXattrs(from, new Map([[path, set]]), options);
    }
    execFileSync('setfattr', ['-n', 'user.root', '-v', 'x', from]);
    const read = await readTreeXattrs(from, options);
    assert.deepEqual(read.of(Buffer.from('.')), new Map([['user.root', Buffer.from('x')]]));
    const all = new Map(
      names.map((name) => {
        const path = Buffer.concat([Buffer.from('d/'), name]);
        const set = read.of(path);
        assert.equal(set?.size, 1, path.toString('latin1'));
        return [path.toString('latin1'), set ?? new Map<string, Buffer>()] as const;
      }),
    );
    await writeTreeXattrs(to, all, options);
    const again = await readTreeXattrs(to, options);
    for (const [path, set] of all) assert.deepEqual(again.of(Buffer.from(path, 'latin1')), set);
  });

  it('says which package a missing program is in', async () => {
    await assert.rejects(readTreeXattrs(directory, { ...options, searchPath: '/nowhere' }), {
      code: 'program-missing',
    });
  });
});
