// SPDX-License-Identifier: Apache-2.0
// On directories and links of the shape that the kernel's drivers make.
import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import { findGraphicsDevices, type GraphicsInputs } from './graphics-devices.ts';

/** Paths with the texts of files, and `-> TARGET` for links. */
function machine(entries: Readonly<Record<string, string>>): GraphicsInputs {
  const paths = Object.keys(entries);
  const names = (directory: string): readonly string[] =>
    [
      ...new Set(
        paths
          .filter((path) => path.startsWith(`${directory}/`))
          .map((path) => path.slice(directory.length + 1).split('/')[0] ?? ''),
      ),
    ].toSorted();
  return {
    kindOf: (path) => (path in entries ? 'other' : names(path).length > 0 ? 'directory' : undefined),
    listDirectory: (path) => (names(path).length > 0 ? names(path) : undefined),
    entryAt: (path) => {
      const text = entries[path];
      if (text === undefined) return undefined;
      return text.startsWith('-> ') ? { kind: 'link', target: text.slice(3) } : { kind: 'other' };
    },
    readText: (path) => entries[path],
  };
}

test('cards and render nodes are paired by their place on the bus, whatever their numbers', () => {
  const found = findGraphicsDevices(
    machine({
      '/dev/kfd': '',
      ...Object.fromEntries(
        ['card0', 'card1', 'card2', 'card10', 'renderD128', 'renderD129', 'renderD130'].map((name) => [
          posix.join('/dev/dri', name),
          '',
        ]),
      ),
      // A board's own display has no render node.
      '/dev/dri/by-path/pci-0000:02:00.0-card': '-> ../card0',
      '/dev/dri/by-path/pci-0000:c1:00.0-card': '-> ../card1',
      '/dev/dri/by-path/pci-0000:c1:00.0-render': '-> ../renderD129',
      '/dev/dri/by-path/pci-0000:c6:00.0-card': '-> ../card2',
      '/dev/dri/by-path/pci-0000:c6:00.0-render': '-> ../renderD128',
      '/dev/dri/by-path/pci-0000:e3:00.0-card': '-> ../card10',
      '/dev/dri/by-path/pci-0000:e3:00.0-render': '-> ../renderD130',
      '/sys/class/drm/card0/device/vendor': '0x1a03\n',
      '/sys/class/drm/card1/device/vendor': '0x1002\n',
      '/sys/class/drm/card2/device/vendor': '0x1002\n',
      '/sys/class/drm/card10/device/vendor': '0x8086\n',
    }),
  );
  assert.deepEqual(
    found.map(({ index, vendor, nodes }) => [index, vendor, ...nodes]),
    [
      [0, 'other', '/dev/dri/card0'],
      [1, 'amd', '/dev/dri/card1', '/dev/dri/renderD129'],
      [2, 'amd', '/dev/dri/card2', '/dev/dri/renderD128'],
      [10, 'intel', '/dev/dri/card10', '/dev/dri/renderD130'],
    ],
  );
});

test('a machine without graphics processors has none', () => {
  assert.deepEqual(findGraphicsDevices(machine({ '/dev/null': '' })), []);
});
