// SPDX-License-Identifier: Apache-2.0
// What a launch opens, since on a parallel file system every file costs every rank: from a kept plan nothing of the
// installation but the launcher itself; the first time little more than Node and the planner.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { needs } from '../support/needs.ts';
import { acquireTestUser } from '../support/user.ts';
import { imageCommands, makeImages } from './images.ts';

const skip = needs({ commands: [...imageCommands, 'strace'], userNamespaces: true, fuse: true });

suite('files that a launch opens', { skip }, async () => {
  const user = await acquireTestUser();
  const { directory, squashfs } = await makeImages(user);
  const log = join(user.home, 'trace');

  /** The files of the installation that are opened or executed by a launch whose plans are kept in `runtime`. */
  const openedBy = async (image: string, runtime: string): Promise<readonly string[]> => {
    const calls = ['strace', '-f', '-qq', '-e', 'trace=open,openat,execve', '-o', log];
    await user.runOk([...calls, 'slipway', 'run', image, '--', 'true'], { env: { XDG_RUNTIME_DIR: runtime } });
    const paths = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => !line.includes(' = -1 '))
      .flatMap((line) => /"([^"]+)"/.exec(line)?.[1] ?? [])
      .filter((path) => path.startsWith(`${user.prefix}/`))
      .map((path) => path.slice(user.prefix.length + 1));
    return [...new Set(paths)].toSorted();
  };

  test('from a kept plan: the launcher, and no Node', async () => {
    for (const image of [directory, squashfs]) {
      await user.runOk(['slipway', 'run', image, '--', 'true']);
      assert.deepEqual(await openedBy(image, user.runtimeDirectory), ['bin/slipway']);
    }
  });

  test('the first time: Node and the planner, and for a squashfs what reads it', async () => {
    for (const [image, most] of [
      [directory, 1],
      [squashfs, 2],
    ] as const) {
      const opened = await openedBy(image, user.makeDirectory(`empty-${most}`));
      // In a checkout libexec/slipway/node is a link to the package's.
      const isNode = (path: string): boolean =>
        /^(?:libexec\/slipway|node_modules\/node-linux-[^/]+\/bin)\/node$/.test(path);
      // Node asks a package.json above what it loads, where there is one.
      const bundles = opened.filter((path) => path !== 'bin/slipway' && !isNode(path) && path !== 'package.json');
      assert.ok(opened.some(isNode) && bundles.length > 0, opened.join(' '));
      assert.ok(bundles.length <= most, bundles.join(' '));
      for (const path of bundles) assert.match(path, /^lib\/slipway\//);
    }
  });

  test('of Node’s own modules the planner begins with those that are there already', () => {
    // node:crypto alone takes a tenth of a first launch to load: who seldom needs it asks for it then.
    const planner = readFileSync(join(user.prefix, 'lib/slipway/planner.cjs'), 'utf8');
    const loaded = [...planner.matchAll(/^let \w+ = require\("([^"]+)"\);$/gm)].map(([, name]) => name);
    assert.deepEqual(new Set(loaded), new Set(['node:fs', 'node:path', 'node:util']));
  });
});
