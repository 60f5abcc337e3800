// SPDX-License-Identifier: Apache-2.0
// What a directory holds, as one value to compare: kind, mode, owner, time, size, links and content of every entry.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';

export type ListingOptions = {
  /** False where the reader could not keep owners. */
  readonly owners?: boolean;
  /** Which entries are left out, by their path. */
  readonly leavesOut?: (path: string, kind: string) => boolean;
  /** Whether extended attributes are part of it. */
  readonly xattrs?: boolean;
};

const kinds: Readonly<Record<number, string>> = {
  0o14: 'socket',
  0o12: 'symlink',
  0o10: 'file',
  0o6: 'block-device',
  0o4: 'directory',
  0o2: 'character-device',
  0o1: 'fifo',
};

/** By path, one character a byte; the root is `.`. Files that are one say with which path they are. */
export function listTree(directory: string, options: ListingOptions = {}): Readonly<Record<string, string>> {
  const listing: Record<string, string> = {};
  const firstNames = new Map<bigint, string>();
  const xattrs = options.xattrs === true ? xattrsBelow(directory) : new Map<string, string>();
  const visit = (path: Buffer): void => {
    const name = path.toString('latin1');
    const real = Buffer.concat([Buffer.from(`${directory}/`), path]);
    const stats = lstatSync(real, { bigint: true });
    const kind = kinds[Number(stats.mode >> 12n)] ?? '';
    if (options.leavesOut?.(name, kind) === true) return;
    const facts = [kind, (Number(stats.mode) & 0o7777).toString(8), `${stats.mtimeNs / 1_000_000_000n}s`];
    if (options.owners !== false) facts.push(`${stats.uid}:${stats.gid}`);
    if (kind === 'symlink') facts.push(`-> ${readlinkSync(real, { encoding: 'latin1' })}`);
    if (kind === 'file') facts.push(`${stats.size}`, hashOf(real));
    if (kind !== 'directory' && stats.nlink > 1n) {
      const first = firstNames.get(stats.ino) ?? name;
      firstNames.set(stats.ino, first);
      facts.push(`is ${first}`);
    }
    facts.push(xattrs.get(name) ?? '');
    listing[name] = facts.join(' ').trim();
    if (kind !== 'directory') return;
    const names = readdirSync(real, { encoding: 'buffer' }).sort((left, right) => left.compare(right));
    for (const child of names) visit(name === '.' ? child : Buffer.concat([path, Buffer.from('/'), child]));
  };
  visit(Buffer.from('.'));
  return listing;
}

function hashOf(path: Buffer): string {
  const file = openSync(path, 'r');
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.alloc(1024 * 1024);
    for (;;) {
      const count = readSync(file, buffer);
      if (count === 0) return hash.digest('hex').slice(0, 16);
      hash.update(buffer.subarray(0, count));
    }
  } finally {
    closeSync(file);
  }
}

/** As getfattr prints them, by path. */
function xattrsBelow(directory: string): ReadonlyMap<string, string> {
  const text = execFileSync('getfattr', ['-R', '-P', '-h', '-d', '-e', 'hex', '-m', '^user\\.', '.'], {
    cwd: directory,
    encoding: 'latin1',
    maxBuffer: 64 * 1024 * 1024,
  });
  return new Map(
    text.split('\n\n').flatMap((block) => {
      const [head = '', ...lines] = block.trim().split('\n');
      const path = head.replace('# file: ', '').replace(/^\.\//, '');
      return head === '' ? [] : [[path, lines.sort().join(' ')] as const];
    }),
  );
}
