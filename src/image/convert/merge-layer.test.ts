// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type EntryFields, dir, file, hardlink, merge, show, symlink } from './merge.test-helper.ts';
import { rootNode } from './merged-tree.ts';

function becomes(layers: readonly (readonly EntryFields[])[], expected: readonly string[]): void {
  assert.deepEqual(show(merge(layers)), expected);
}

function refused(layers: readonly (readonly EntryFields[])[], reason: RegExp): void {
  assert.throws(() => merge(layers), { code: 'layer-entry-refused', message: reason });
}

describe('names', () => {
  test('are taken apart by components, whatever stands around them', () => {
    becomes(
      [[file('./a//b/./c', 1), file('/d', 2), dir('e/'), file('f/../g', 3)]],
      ['a/', 'a/b/', 'a/b/c =1', 'd =2', 'e/', 'g =3'],
    );
  });
  test('keep every byte', () => {
    const odd = '\xff\x01 \n\xc3';
    becomes([[file(odd, 1)]], [`${odd} =1`]);
  });
  test('that share a long beginning stay apart', () => {
    const long = Array.from({ length: 30 }, () => 'directory').join('/');
    const merged = merge([[file(`${long}/one`, 1), file(`${long}/two`, 2), file('directory/three', 3)]]);
    const files = show(merged).filter((line) => line.includes('='));
    assert.deepEqual(files, [`${long}/one =1`, `${long}/two =2`, 'directory/three =3']);
  });
  test('that lead out of the image are refused', () => {
    for (const path of ['..', '../x', 'a/../../x', '/../x']) refused([[file(path)]], /leads out of the image/);
    refused([[file('a'), hardlink('b', '../a')]], /leads out of the image/);
  });
  test('of more than 255 bytes, or 4094 in all, are refused', () => {
    becomes([[file('n'.repeat(255))]], [`${'n'.repeat(255)} =0`]);
    refused([[file('n'.repeat(256))]], /longer than 255/);
    const deep = `${'d/'.repeat(2000)}e`;
    assert.doesNotThrow(() => merge([[file(deep)]], { maxEntries: 5000 }));
    assert.throws(() => merge([[symlink('s', deep), file(`s/${deep}`)]], { maxEntries: 9000 }), /longer than 4094/);
  });
  test('are shown without control characters in errors', () => {
    assert.throws(() => merge([[file('../\x1b[31m\u202e')]]), /entry "\.\.\/\?\[31m[^\x1b\u202e]*": /);
  });
});

describe('replacement', () => {
  test('the last entry of a name wins, within a layer and across layers', () => {
    becomes([[file('a', 1), file('a', 2)], [file('b', 3)], [file('b', 4)]], ['a =2', 'b =4']);
  });
  test('a directory over a directory keeps the children and takes the attributes', () => {
    const merged = merge([[dir('d', 0o700), file('d/x', 1)], [dir('d', 0o711)]]);
    assert.deepEqual(show(merged), ['d/', 'd/x =1']);
    const node = merged.tree.lookup(rootNode, 'd') ?? assert.fail();
    assert.equal(merged.tree.attributesOf(node).mode, 0o711);
  });
  test('a file over a directory, a directory over a file or symlink', () => {
    becomes([[dir('d'), file('d/x', 1)], [file('d', 2)]], ['d =2']);
    becomes(
      [
        [file('d', 2), symlink('s', 'd')],
        [dir('d'), dir('s'), file('s/x', 1)],
      ],
      ['d/', 's/', 's/x =1'],
    );
    becomes([[dir('d'), file('d/x', 1)], [file('d', 2)], [dir('d')]], ['d/']);
  });
  test('the root takes its attributes from ./ and can be nothing but a directory', () => {
    const merged = merge([[dir('./', 0o711)], [dir('/', 0o750)]]);
    assert.equal(merged.tree.attributesOf(rootNode).mode, 0o750);
    refused([[file('./')]], /stands for the root/);
  });
  test('a file where a directory of the path should be is refused', () => {
    refused([[file('a')], [file('a/b')]], /file is where a directory/);
    refused([[file('a'), symlink('s', 'a')], [file('s/b')]], /file is where a directory/);
  });
});

describe('whiteouts', () => {
  test('remove what lower layers have, also whole directories', () => {
    becomes(
      [
        [file('a', 1), file('b', 2), dir('d'), file('d/x', 3)],
        [file('.wh.a'), file('.wh.d')],
      ],
      ['b =2'],
    );
  });
  test('leave what their own layer has, in either order', () => {
    becomes([[file('a', 1)], [file('a', 2), file('.wh.a')]], ['a =2']);
    becomes([[file('a', 1)], [file('.wh.a'), file('a', 2)]], ['a =2']);
    const lower = [dir('d'), file('d/old', 1), dir('d/sub'), file('d/sub/old', 1)];
    becomes([lower, [file('d/sub/new', 2), file('.wh.d')]], ['d/', 'd/sub/', 'd/sub/new =2']);
  });
  test('of things that are not there do nothing', () => {
    becomes([[file('.wh.a'), file('no/such/.wh.b'), file('no/.wh..wh..opq'), file('f', 1), file('f/.wh.x')]], ['f =1']);
  });
  test('that name nothing removable are refused', () => {
    for (const name of ['.wh.', '.wh..', '.wh...']) refused([[file(`d/${name}`)]], /names no file/);
  });
  test('opaque directories hide lower children only, in either order', () => {
    const lower = [dir('d'), file('d/old', 1), dir('d/sub'), file('d/sub/old', 1), file('other', 1)];
    const expected = ['d/', 'd/new =2', 'd/sub/', 'd/sub/new =2', 'other =1'];
    const upper = [dir('d'), file('d/new', 2), file('d/sub/new', 2)];
    becomes([lower, [file('d/.wh..wh..opq'), ...upper]], expected);
    becomes([lower, [...upper, file('d/.wh..wh..opq')]], expected);
    becomes([lower, [file('.wh..wh..opq'), file('only', 3)]], ['only =3']);
  });
  test('an opaque directory whose layer was already seen hides no more', () => {
    becomes([[file('d/a', 1)], [file('d/.wh..wh..opq'), file('d/b', 2)], [file('d/c', 3)]], ['d/', 'd/b =2', 'd/c =3']);
  });
  test('follow symlinks in their path, inside the image', () => {
    becomes([[dir('etc'), file('etc/x', 1), symlink('s', '/etc')], [file('s/.wh.x')]], ['etc/', 's -> /etc']);
  });
  test("aufs's left-overs and names below whiteouts are passed over", () => {
    becomes([[dir('.wh..wh.plnk'), file('.wh..wh.plnk/12.3', 1), file('.wh..wh.aufs'), file('.wh.x/y', 1)]], []);
  });
  test("overlayfs's own marks are refused", () => {
    refused([[{ path: 'gone', type: 'character-device', devMajor: 0, devMinor: 0 }]], /overlayfs/);
  });
});

describe('hard links', () => {
  test('are one file under two names, across layers', () => {
    becomes([[file('a', 1)], [hardlink('b', './a'), hardlink('c', '/b')]], ['a =1', 'b =1(a)', 'c =1(a)']);
  });
  test('keep the content when the other name is removed or replaced', () => {
    becomes([[file('a', 1), hardlink('b', 'a')], [file('.wh.a')]], ['b =1']);
    becomes([[file('a', 1), hardlink('b', 'a')], [file('a', 2)]], ['a =2', 'b =1']);
    becomes([[dir('d'), file('d/a', 1), hardlink('b', 'd/a')], [file('d', 5)]], ['b =1', 'd =5']);
  });
  test('to a symlink are the symlink, whose target is not followed', () => {
    becomes([[file('f', 1), symlink('s', 'f'), hardlink('h', 's')]], ['f =1', 'h -> f', 's -> f']);
  });
  test('follow symlinks in the directory of their target', () => {
    becomes(
      [[dir('real'), file('real/f', 1), symlink('s', 'real'), hardlink('h', 's/f')]],
      ['h =1', 'real/', 'real/f =1(h)', 's -> real'],
    );
  });
  test('to themselves change nothing; to nothing and to directories they are refused', () => {
    becomes([[file('a', 1), hardlink('a', 'a')]], ['a =1']);
    refused([[hardlink('b', 'a')]], /not there/);
    refused([[file('a')], [file('.wh.a'), hardlink('b', 'a')]], /not there/);
    refused([[dir('d'), hardlink('b', 'd')]], /hard link to a directory/);
    refused([[hardlink('b', '/')]], /not there/);
  });
});

describe('symlinks in a path', () => {
  test('lead to where they lead inside the image, whose root is its own parent', () => {
    becomes([[symlink('s', '/../../etc')], [file('s/passwd', 1)]], ['etc/', 'etc/passwd =1', 's -> /../../etc']);
    becomes([[dir('a'), symlink('a/up', '../b')], [file('a/up/x', 1)]], ['a/', 'a/up -> ../b', 'b/', 'b/x =1']);
  });
  test('are followed again after they were replaced', () => {
    becomes(
      [[symlink('s', 'one'), file('s/a', 1), symlink('s', 'two'), file('s/b', 2)]],
      ['one/', 'one/a =1', 's -> two', 'two/', 'two/b =2'],
    );
  });
  test('are followed again after an entry that came through them replaced them', () => {
    becomes([[symlink('s', '.')], [file('s/x', 1), dir('s/s'), file('s/y', 2)]], ['s/', 's/y =2', 'x =1']);
    becomes([[symlink('s', '.')], [file('s/x', 1), file('s/.wh.s'), file('s/y', 2)]], ['s/', 's/y =2', 'x =1']);
  });
  test("that are absolute start from the image's root, wherever they stand", () => {
    becomes([[dir('a'), symlink('a/s', '/b'), file('a/s/x', 1)]], ['a/', 'a/s -> /b', 'b/', 'b/x =1']);
  });
  test('that loop are refused', () => {
    refused([[symlink('a', 'b'), symlink('b', 'a'), file('a/x')]], /too many symbolic links/);
    refused([[symlink('a', 'a/x'), file('a/x')]], /too many symbolic links/);
  });
});

test('the number of files is bounded, those named in paths only included', () => {
  assert.throws(() => merge([[file('a/b/c/d')]], { maxEntries: 3 }), { code: 'image-too-large' });
  // What was removed does not count.
  const layers = [
    [file('a'), file('b')],
    [file('.wh.a'), file('.wh.b')],
    [file('c'), file('d')],
  ];
  assert.doesNotThrow(() => merge(layers, { maxEntries: 3 }));
});
