// SPDX-License-Identifier: Apache-2.0
// Archives as an attacker would write them: every extension, most of them wrong, checksums mostly right.
import type { Random } from './random.ts';

const names = [
  'a',
  'a/b',
  'd/',
  'd/e/f',
  '.',
  './',
  '..',
  '../x',
  '/abs',
  '//',
  'a/../b',
  'a/../../b',
  'd/./e',
  '.wh.a',
  'd/.wh..wh..opq',
  '.wh.',
  '.wh..',
  '.wh...',
  'link',
  'link/in',
  'n'.repeat(99),
  'n'.repeat(255),
  'nul\0rest',
  '\xff\xfe',
  'new\nline',
  ' ',
  'etc/passwd',
] as const;
const targets = [
  'a',
  '/',
  '..',
  '../../../..',
  '/abs',
  'link',
  'd',
  'd/e',
  '.',
  '',
  'link/in',
  't'.repeat(100),
] as const;
const sizes = [0, 0, 1, 511, 512, 513, 5000] as const;
const lies = [
  '777777777777',
  '-1',
  '',
  '99999999999 ',
  '00000000000\0',
  'abc',
  '\x80\0\0\0\0\0\0\0\0\0\x02\0',
  '\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff',
] as const;
const flags = [
  '0',
  '0',
  '0',
  '\0',
  '1',
  '2',
  '3',
  '4',
  '5',
  '5',
  '6',
  '7',
  'S',
  'L',
  'K',
  'x',
  'X',
  'g',
  'V',
  'M',
  'D',
  'N',
  '?',
] as const;
const paxKeys = [
  'path',
  'linkpath',
  'size',
  'uid',
  'gid',
  'mtime',
  'GNU.sparse.major',
  'GNU.sparse.minor',
  'GNU.sparse.name',
  'GNU.sparse.realsize',
  'GNU.sparse.size',
  'GNU.sparse.numblocks',
  'GNU.sparse.offset',
  'GNU.sparse.numbytes',
  'GNU.sparse.map',
  'SCHILY.xattr.user.a',
  'SCHILY.xattr.security.capability',
  'SCHILY.xattr.',
  'comment',
  'LIBARCHIVE.xattr.user.b',
] as const;
const paxValues = [
  '',
  '0',
  '1',
  '5',
  '512',
  '-1',
  '1e9',
  '99999999999999999999',
  '1.5',
  '-3.25',
  'a',
  '../x',
  '/abs',
  '0,5',
  '0,5,3,1',
  '5,5,',
  'x\0y',
  '1,0',
] as const;

/** An archive of up to a dozen entries; a `tame` one has only what can be right, in any order and upon another. */
export function hostileArchive(random: Random, tame = false): Buffer {
  const parts: Buffer[] = [];
  if (tame) return tameArchive(random);
  for (let count = random.below(12); count >= 0; count -= 1) parts.push(...member(random));
  if (random.chance(0.8)) parts.push(Buffer.alloc(1024));
  if (random.chance(0.1)) parts.push(random.bytes(random.below(2000)));
  return Buffer.concat(parts);
}

const tameNames = [
  'a',
  'd/',
  'd/e',
  'd/f/',
  'd/f/g',
  './',
  'link/h',
  '.wh.d',
  'd/.wh.e',
  'd/f/.wh..wh..opq',
  'w/x/y',
  '\xff',
] as const;
const tameTargets = ['a', '/d', '../d', 'd/f', 'nowhere', '.', '/'] as const;

function tameArchive(random: Random): Buffer {
  const parts = [entry('a', '0', '', random.bytes(random.below(600)))];
  for (let count = random.below(10); count > 0; count -= 1) {
    const name = random.one(tameNames);
    const flag = name.endsWith('/') ? '5' : random.one(['0', '0', '2', '6', '1', '3']);
    const target = flag === '1' ? 'a' : flag === '2' ? random.one(tameTargets) : '';
    parts.push(
      entry(
        flag === '2' && random.chance(0.5) ? 'link' : name,
        flag,
        target,
        flag === '0' ? random.bytes(5) : Buffer.alloc(0),
      ),
    );
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

function entry(name: string, flag: string, target: string, body: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, 100, 'latin1');
  header.write('0000755\x000000001\x000000002\0', 100, 'latin1');
  header.write(`${body.length.toString(8).padStart(11, '0')} 00000000001 `, 124, 'latin1');
  header.write(flag, 156, 'latin1');
  header.write(target, 157, 100, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  // A device of its own number: 0:0 is overlayfs's whiteout.
  header.write('0000001\x000000003\0', 329, 'latin1');
  seal(header);
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

function member(random: Random): Buffer[] {
  const flag = random.one(flags);
  const body = bodyOf(flag, random);
  const header = Buffer.alloc(512);
  header.write(random.one(names), 0, 100, 'latin1');
  header.write('0000644\0', 100, 'latin1');
  header.write('0000000\0', 108, 'latin1');
  header.write('0000000\0', 116, 'latin1');
  header.write(`${body.length.toString(8).padStart(11, '0')} `, 124, 'latin1');
  header.write('00000000000 ', 136, 'latin1');
  header.write(flag, 156, 'latin1');
  header.write(random.one(targets), 157, 100, 'latin1');
  header.write(random.one(['ustar\x0000', 'ustar  \0', '', 'ustar\0\0\0']), 257, 'latin1');
  if (random.chance(0.2)) header.write(random.one(names), 345, 155, 'latin1');
  if (flag === 'S' || random.chance(0.05)) sparseFields(header, random);
  if (random.chance(0.15))
    header.write(random.one(lies), random.one([100, 108, 116, 124, 136, 329, 337]), 12, 'latin1');
  if (random.chance(0.05)) random.bytes(20).copy(header, random.below(490));
  if (random.chance(0.97)) seal(header);
  const padding = Buffer.alloc((512 - (body.length % 512)) % 512);
  return [header, body, padding];
}

function bodyOf(flag: string, random: Random): Buffer {
  switch (flag) {
    case 'x':
    case 'X':
    case 'g':
      return Buffer.concat(Array.from({ length: random.below(5) }, () => paxRecord(random)));
    case 'L':
    case 'K':
      return Buffer.from(
        `${random.one([...names, 'l'.repeat(3000), '', 'l'.repeat(5000)])}${random.one(['\0', ''])}`,
        'latin1',
      );
    default:
      return random.chance(0.2)
        ? Buffer.from(random.one(['1\n0\n5\n', '2\n0\n1\n5\n', '0\n', '-1\n', '9999999\n']).padEnd(600, '\0'))
        : random.bytes(random.one(sizes));
  }
}

function paxRecord(random: Random): Buffer {
  const rest = ` ${random.one(paxKeys)}=${random.one(paxValues)}\n`;
  const length = rest.length + String(rest.length + 1).length;
  const said = random.chance(0.9) ? length : random.one([0, 1, length - 1, length + 1, 9_999_999, -4]);
  return Buffer.from(`${said}${rest}`, 'latin1');
}

function sparseFields(header: Buffer, random: Random): void {
  for (let entry = 0; entry < 4; entry += 1) {
    const [offset, length] = [random.below(3) * 512, random.one([0, 1, 512])];
    header.write(`${offset.toString(8).padStart(11, '0')} `, 386 + entry * 24, 'latin1');
    header.write(`${length.toString(8).padStart(11, '0')} `, 398 + entry * 24, 'latin1');
  }
  header[482] = random.below(2);
  header.write(
    random.one(['00000002000 ', '77777777777 ', '00000000000 ', '\x80\0\0\0\0\0\x20\0\0\0\0\0']),
    483,
    'latin1',
  );
}

/** Makes the checksum right. */
function seal(header: Buffer): void {
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}
