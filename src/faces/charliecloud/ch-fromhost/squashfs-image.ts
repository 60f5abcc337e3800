// SPDX-License-Identifier: Apache-2.0
// An injection into a squashfs image: it is unpacked, changed, and packed anew; the new image takes the old one's place when
// all has gone well.
import { dirname } from 'node:path';
import {
  convertImage,
  type ConvertRequest,
  defaultConvertOptions,
  directoryTree,
  squashfsTree,
  type TreeSource,
} from '../../../image/index.ts';
import { emptyImageConfig } from '../../../model/index.ts';
import { statFollowing } from '../../../sys/files.ts';
import { prepareOutput } from '../../../sys/output-file.ts';
import { systemSearchPath } from '../../../sys/process.ts';
import { openRandomFile } from '../../../sys/random-file.ts';
import type { CommandContext } from '../command.ts';
import { type Furniture, furnishedTree } from '../furnished-tree.ts';

const config = emptyImageConfig({ os: 'linux', architecture: process.arch });
const asItIs: Furniture = {
  hasMountPoints: false,
  files: new Map(),
  defaults: new Map(),
  opensFiles: true,
  drops: () => false,
};
const treeOptions = { limits: defaultConvertOptions.limits, xattrs: 'keep', searchPath: systemSearchPath } as const;

export async function isSquashfsFile(path: string): Promise<boolean> {
  if ((await statFollowing(path))?.isFile() !== true) return false;
  const file = openRandomFile(path);
  try {
    return file.read(0, 4).toString('latin1') === 'hsqs';
  } finally {
    file.close();
  }
}

/** Lets `work` have the image as a directory; with `changes` it becomes the image's new content. */
export async function withUnpacked(
  path: string,
  context: CommandContext & { readonly changes: boolean },
  work: (root: string) => Promise<void>,
): Promise<void> {
  const emit = (): undefined => undefined;
  // Beside the image, where there is room for one of its size.
  const output = prepareOutput(`${dirname(path)}/${path.slice(path.lastIndexOf('/') + 1)}.unpacked`);
  const root = output.temporaryPath;
  try {
    const image = await squashfsTree({ path, config, options: treeOptions, emit });
    await convert(furnishedTree(image, asItIs), { format: 'directory', path: root, compression: 'none' }, context);
    await image.close();
    await work(root);
    if (!context.changes) return;
    const tree = directoryTree({ path: root, config, options: treeOptions, emit });
    await convert(tree, { format: 'squashfs', path, compression: 'none' }, context);
    await tree.close();
  } finally {
    await output.discard();
  }
}

async function convert(source: TreeSource, to: ConvertRequest['to'], context: CommandContext): Promise<void> {
  const { environment, signal } = context;
  await convertImage({
    from: { kind: 'tree', source },
    to,
    replaces: true,
    options: { ...defaultConvertOptions, skeleton: 'none', xattrs: 'keep', owner: { uid: 0, gid: 0 } },
    searchPath: systemSearchPath,
    keepsOwners: false,
    keepsSetuid: true,
    emit: () => undefined,
    clock: environment.clock,
    signal,
  });
}
