// SPDX-License-Identifier: Apache-2.0
// Whatever is to be mounted, on whatever image: afterwards every mount point is there, and nothing of the image is hidden.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import type { MountRequest } from '../model/index.ts';
import type { GuestKind } from './facts.ts';
import { isInside, scaffoldFor } from './scaffold.ts';
import { exampleHost, exampleImage, guestPath, mountRequest } from './testing/example-run.ts';

type Tree = ReadonlyMap<string, 'file' | 'directory'>;

/** An image as a set of paths, and what the planner would be told of it. */
function factsOf(
  tree: Tree,
  mounts: readonly MountRequest[],
): { kinds: Map<string, GuestKind>; emptyAncestors: Map<string, string> } {
  const kinds = new Map<string, GuestKind>();
  const emptyAncestors = new Map<string, string>();
  for (const { target } of mounts) {
    const kind = tree.get(target);
    if (kind !== undefined) {
      kinds.set(target, kind);
      continue;
    }
    let above = parentOf(target);
    while (above !== '/' && !tree.has(above)) above = parentOf(above);
    const isEmpty = tree.get(above) === 'directory' && ![...tree.keys()].some((path) => parentOf(path) === above);
    if (above !== '/' && isEmpty) emptyAncestors.set(target, above);
  }
  return { kinds, emptyAncestors };
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** Mounts, and an image that has some of what stands above and below their targets. */
const cases: fc.Arbitrary<{ readonly mounts: readonly MountRequest[]; readonly tree: Tree }> = fc
  .record({
    mounts: fc.array(mountRequest, { maxLength: 3 }),
    others: fc.array(guestPath, { maxLength: 2 }),
    depths: fc.array(fc.nat({ max: 4 }), { minLength: 3, maxLength: 3 }),
  })
  .map(({ mounts, others, depths }) => {
    const cut = mounts.map(({ target }, index) =>
      target
        .split('/')
        .slice(0, 1 + (depths[index] ?? 0))
        .join('/'),
    );
    const tree = new Map<string, 'file' | 'directory'>([['/', 'directory']]);
    for (const path of [...cut, ...others]) {
      for (let at = path || '/'; at !== '/'; at = parentOf(at)) tree.set(at, 'directory');
    }
    return { mounts, tree };
  });
const host = {
  ...exampleHost,
  sourceKinds: new Map<string, GuestKind>([
    ['/a', 'file'],
    ['/b', 'directory'],
  ]),
};

suite('mount points that an image lacks', () => {
  test('are all there afterwards, and a skeleton hides nothing', () => {
    let skeletons = 0;
    fc.assert(
      fc.property(cases, ({ mounts, tree }) => {
        const adaptations = [{ origin: '', mounts, environment: [] }];
        const scaffold = scaffoldFor(adaptations, { image: { ...exampleImage, ...factsOf(tree, mounts) }, host });
        const present = new Set(tree.keys());
        if (scaffold.kind === 'overlay') return;
        if (scaffold.kind === 'skeletons') {
          skeletons += 1;
          for (const { target, entries } of scaffold.skeletons) {
            assert.equal(tree.get(target), 'directory');
            assert.ok(![...tree.keys()].some((path) => parentOf(path) === target), `${target} is not empty`);
            for (const { path } of entries) {
              assert.ok(present.has(parentOf(`${target}/${path}`)), 'a directory comes before what is in it');
              present.add(`${target}/${path}`);
            }
          }
        }
        mounts.forEach((mount, index) => {
          if (mount.flags.optional === true) return;
          // What is mounted before may bring the mount point along; what that holds is the host's business.
          const isBelowAnother = mounts.some(
            (other, at) => at !== index && other.target !== mount.target && isInside(mount.target, other.target),
          );
          assert.ok(present.has(mount.target) || isBelowAnother, mount.target);
        });
      }),
      { numRuns: 1000 },
    );
    assert.ok(skeletons > 50, `only ${skeletons} cases had skeletons`);
  });

  test('cost nothing where there are none, or where they may be left out', () => {
    const mount = (target: string, optional: boolean): MountRequest => ({
      kind: 'bind',
      source: '/b',
      target,
      flags: { optional },
    });
    const scaffold = (mounts: readonly MountRequest[]): string =>
      scaffoldFor([{ origin: '', mounts, environment: [] }], {
        image: { ...exampleImage, emptyAncestors: new Map() },
        host,
      }).kind;
    assert.equal(scaffold([]), 'none');
    assert.equal(scaffold([mount('/tmp', false)]), 'none');
    assert.equal(scaffold([mount('/absent', true)]), 'none');
    assert.equal(scaffold([mount('/absent', false)]), 'overlay');
  });

  test('below one empty directory share a skeleton; its files and directories are of the sources’ kinds', () => {
    const mounts: readonly MountRequest[] = [
      { kind: 'bind', source: '/a', target: '/mnt/x/file', flags: {} },
      { kind: 'bind', source: '/b', target: '/mnt/x/directory', flags: {} },
      { kind: 'bind', source: '/unknown', target: '/mnt/y', flags: {} },
      { kind: 'tmpfs', target: '/mnt/z', sizeBytes: 0, mode: 0o1777, flags: {} },
      { kind: 'bind', source: '/b', target: '/srv/w', flags: {} },
    ];
    const tree: Tree = new Map([
      ['/', 'directory'],
      ['/mnt', 'directory'],
      ['/srv', 'directory'],
    ]);
    const image = { ...exampleImage, ...factsOf(tree, mounts) };
    const scaffold = scaffoldFor([{ origin: '', mounts, environment: [] }], { image, host });
    assert.equal(scaffold.kind, 'skeletons');
    assert.deepEqual(
      scaffold.skeletons.map(({ target, entries }) => [target, entries.map(({ path, kind }) => `${path} ${kind}`)]),
      [
        ['/mnt', ['x directory', 'x/directory directory', 'x/file file', 'y directory', 'z directory']],
        ['/srv', ['w directory']],
      ],
    );
  });

  test('on an empty directory that is itself mounted on, or below such a mount, want an overlay', () => {
    const scaffold = (other: string): string => {
      const mounts: readonly MountRequest[] = [
        { kind: 'bind', source: '/b', target: '/mnt/x', flags: {} },
        { kind: 'bind', source: '/b', target: other, flags: { optional: true } },
      ];
      const image = {
        ...exampleImage,
        kinds: new Map([[other, 'directory'] as const]),
        emptyAncestors: new Map([['/mnt/x', '/mnt']]),
      };
      return scaffoldFor([{ origin: '', mounts, environment: [] }], { image, host }).kind;
    };
    assert.equal(scaffold('/srv'), 'skeletons');
    assert.notEqual(scaffold('/mnt'), 'skeletons');
  });
});

test('a path is inside a directory by its components', () => {
  for (const [path, directory, expected] of [
    ['/a/b', '/a', true],
    ['/a', '/a', true],
    ['/ab', '/a', false],
    ['/a', '/a/b', false],
    ['/a', '/', true],
  ] as const) {
    assert.equal(isInside(path, directory), expected, `${path} in ${directory}`);
  }
});
