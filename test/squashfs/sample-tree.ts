// SPDX-License-Identifier: Apache-2.0
// A directory with one of everything that squashfs has a special case for.
import { execFileSync } from 'node:child_process';
import { linkSync, lutimesSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';

/** Deterministic bytes that do not compress. */
export function noise(lengthBytes: number, seed: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  let state = seed * 2 + 1;
  for (let index = 0; index < lengthBytes; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

/** Writes the tree at `directory`, which must be empty; needs root for owners and devices, and leaves them out without. */
export function makeSampleTree(directory: string, blockSizeBytes: number): void {
  const at = (name: string): string => `${directory}/${name}`;
  mkdirSync(at('etc/deep/er'), { recursive: true });
  mkdirSync(at('empty-directory'));
  mkdirSync(at('usr/lib'), { recursive: true });
  mkdirSync(at('sizes'));
  mkdirSync(at('long-names'));
  mkdirSync(at('many'));
  writeFileSync(at('etc/os-release'), 'ID=sample\n', { mode: 0o644 });
  writeFileSync(at('etc/secret'), 'x', { mode: 0o4750 });
  writeFileSync(at('empty'), '');
  for (const [index, delta] of [-1, 0, 1].entries()) {
    for (const blocks of [1, 2, 7]) {
      const size = blocks * blockSizeBytes + delta;
      writeFileSync(at(`sizes/text-${blocks}-${index}`), Buffer.alloc(size, `${blocks} line of text\n`));
      writeFileSync(at(`sizes/noise-${blocks}-${index}`), noise(size, size));
    }
  }
  for (let index = 0; index < 700; index++) writeFileSync(at(`many/${index}`), `${index % 40}`);
  for (let index = 0; index < 200; index++) writeFileSync(at(`long-names/${index}${'n'.repeat(250)}`.slice(0, -4)), '');
  writeFileSync(at('sparse'), noise(100, 1));
  truncateSync(at('sparse'), 20 * blockSizeBytes + 17);
  writeFileSync(Buffer.concat([Buffer.from(`${directory}/latin-`), Buffer.from([0xe9, 0xff, 0x80])]), 'latin1');
  linkSync(at('etc/os-release'), at('etc/deep/hard-link'));
  linkSync(at('sizes/noise-2-2'), at('another-name'));
  for (const [target, name] of [
    ['../lib/real', 'usr/lib/relative'],
    ['/etc/os-release', 'usr/lib/absolute'],
    ['usr/lib', 'lib'],
    ['../../../../../../etc', 'etc/deep/er/out'],
    ['loop-b', 'loop-a'],
    ['loop-a', 'loop-b'],
    ['nowhere', 'dangling'],
    ['etc/', 'with-slash'],
    ['empty/', 'file-with-slash'],
  ] as const) {
    symlinkSync(target, at(name));
  }
  execFileSync('mkfifo', [at('pipe')]);
  execFileSync('setfattr', ['-n', 'user.note', '-v', 'one', at('etc/os-release')]);
  execFileSync('setfattr', ['-n', 'user.note', '-v', 'one', at('empty')]);
  execFileSync('setfattr', ['-n', 'user.long', '-v', 'v'.repeat(3000), at('etc')]);
  if (process.getuid?.() === 0) {
    execFileSync('mknod', [at('null'), 'c', '1', '3']);
    execFileSync('mknod', [at('disk'), 'b', '259', '70000']);
    execFileSync('chown', ['1000:100', at('etc/secret')]);
    execFileSync('chown', ['-h', '4000000000:4000000001', at('dangling')]);
    execFileSync('chmod', ['4750', at('etc/secret')]);
  }
  lutimesSync(at('dangling'), 1_000_000_000, 1_000_000_000);
  execFileSync('touch', ['-d', '@1234567890', at('empty-directory')]);
}
