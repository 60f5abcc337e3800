// SPDX-License-Identifier: Apache-2.0
// Reading the input as a tree, giving it what Charliecloud's images have, and writing it in the other form.
import { join } from 'node:path';
import {
  convertImage,
  type ConvertOptions,
  type ConvertTarget,
  defaultConvertOptions,
  directoryTree,
  openSource,
  type OpenedSource,
  type OpenSourceOptions,
  type TreeSource,
} from '../../../image/index.ts';
import type { Emit, ImageConfig, PullEvent, SourceReference } from '../../../model/index.ts';
import { removeTree } from '../../../sys/files.ts';
import { temporaryName } from '../../../sys/process-identity.ts';
import { systemSearchPath } from '../../../sys/process.ts';
import type { CommandContext } from '../command.ts';
import { metadataFiles } from '../ch-image/metadata.ts';
import { furnishedTree, isDevice } from '../furnished-tree.ts';
import type { Output } from './check-output.ts';
import type { Format } from './description.ts';
import { importArchive, isEngine, taggedName } from './engines.ts';
import { readOciPlace } from './oci-place.ts';

export type Input = { readonly format: Format; readonly name: string; readonly path: string };

export type ConvertContext = CommandContext & {
  readonly temporaryDirectory: string;
  readonly keepsXattrs: boolean;
  readonly say: (text: string) => void;
};

/** What Charliecloud's own tools keep in an image, and nobody else wants. */
const buildersOwn = new Set(['ch/git', 'ch/git.pickle', '.git', '.gitignore']);

/** @throws SlipwayError of reading and of writing; nothing is left behind by one that fails. */
export async function convert(input: Input, output: Output, context: ConvertContext): Promise<void> {
  const { say } = context;
  const opened = await open(input, context);
  try {
    say(output.format === 'dir' || output.format === 'ch-image' ? 'unpacking ...' : 'packing ...');
    const tree = furnish(opened, input, output);
    if (output.format === 'oci') {
      const { transport, name = 'latest' } = readOciPlace(output.name);
      return await write(tree, { format: transport, path: output.path, name }, context);
    }
    if (!isEngine(output.format)) {
      return await write(tree, { format: targetFormats[output.format], path: output.path }, context);
    }
    const archive = join(context.temporaryDirectory, `ch-convert.${temporaryName()}.tar`);
    try {
      await write(tree, { format: 'docker-archive', path: archive, name: taggedName(output.name) }, context);
      say('importing ...');
      await importArchive(output.format, archive, context);
    } finally {
      await removeTree(archive);
    }
  } finally {
    await opened.close();
  }
}

const targetFormats = { 'dir': 'directory', 'ch-image': 'directory', 'squash': 'squashfs', 'tar': 'tar' } as const;

type OpenedTree = { readonly tree: TreeSource; readonly config: ImageConfig; readonly close: () => Promise<void> };

async function open(input: Input, context: ConvertContext): Promise<OpenedTree> {
  const { format, name, path } = input;
  const plain = async (reference: SourceReference): Promise<OpenedTree> => {
    const { source, kind } = await openAs(reference, context);
    if (kind !== 'tree') throw new Error('a file is a tree');
    return { tree: source, config: source.config, close: source.close };
  };
  switch (format) {
    case 'tar':
      context.say('analyzing ...');
      return await plain({ transport: 'tar', path });
    case 'squash':
      return await plain({ transport: 'squashfs', path });
    case 'dir':
    case 'ch-image':
      return await plain({ transport: 'directory', path });
    case 'oci':
      return await unpacked(readOciPlace(name), context);
    case 'docker':
      context.say('exporting ...');
      return await unpacked({ transport: 'docker-daemon', name }, context);
    case 'podman':
      context.say('exporting ...');
      return await unpacked({ transport: 'containers-storage', name }, context);
    default:
      return format satisfies never;
  }
}

/** An image with layers, unpacked below the temporary directory. */
async function unpacked(reference: SourceReference, context: ConvertContext): Promise<OpenedTree> {
  const opened = await openAs(reference, context);
  const path = join(context.temporaryDirectory, `ch-convert.${temporaryName()}`);
  const close = async (): Promise<void> => await removeTree(path);
  try {
    if (opened.kind !== 'image') throw new Error('an engine gives an image');
    const { config } = await opened.source.resolve(context.signal);
    await writeOpened(opened, { format: 'directory', path, compression: 'none' }, context);
    return { tree: directoryTree({ path, config, options: treeOptions(context), emit: emitNothing }), config, close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    await opened.source.close();
  }
}

function furnish({ tree, config }: OpenedTree, input: Input, output: Output): TreeSource {
  const hasConfig = isEngine(input.format) || input.format === 'oci';
  const files = new Map(hasConfig ? [['ch/environment', config.env.map((line) => `${line}\n`).join('')]] : []);
  return furnishedTree(tree, {
    files,
    defaults: output.format === 'ch-image' ? metadataFiles(config) : new Map<string, string>(),
    // A tarball of a directory is what the directory is.
    hasMountPoints: output.format !== 'tar' || input.format === 'squash' || hasConfig,
    drops: (path) => isDevice(path) || buildersOwn.has(path),
  });
}

async function openAs(reference: SourceReference, context: ConvertContext): Promise<OpenedSource> {
  const { environment, signal } = context;
  const options: OpenSourceOptions = {
    platform: machine,
    options: treeOptions(context),
    workingDirectory: environment.workingDirectory,
    temporaryPath: () => join(context.temporaryDirectory, `ch-convert.${temporaryName()}`),
    openRegistry: () => {
      throw new Error('ch-convert asks no registry');
    },
    environment: environment.variables,
    emit: emitNothing,
    signal,
  };
  return await openSource(reference, options);
}

const machine = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch };
const emitNothing: Emit<PullEvent> = () => undefined;

function treeOptions(context: ConvertContext): OpenSourceOptions['options'] {
  return {
    limits: defaultConvertOptions.limits,
    xattrs: context.keepsXattrs ? 'keep' : 'drop',
    searchPath: systemSearchPath,
  };
}

async function write(
  tree: TreeSource,
  to: Pick<ConvertTarget, 'format' | 'path'> & { readonly name?: string },
  context: ConvertContext,
): Promise<void> {
  const compression = to.format === 'tar' ? 'gzip' : 'none';
  await writeOpened({ kind: 'tree', source: tree }, { ...to, compression }, context);
}

async function writeOpened(from: OpenedSource, to: ConvertTarget, context: ConvertContext): Promise<void> {
  const { environment, keepsXattrs, say, signal } = context;
  const options: ConvertOptions = {
    ...defaultConvertOptions,
    skeleton: 'none',
    xattrs: keepsXattrs ? 'keep' : 'drop',
    // Files of an image that was unpacked without privilege are whoever's that was; in a squashfs they are root's.
    owner: to.format === 'directory' || to.format === 'tar' ? 'keep' : { uid: 0, gid: 0 },
  };
  const emit: Emit<PullEvent> = (event) => {
    if (event.type === 'warning') say(`warning: ${event.text}`);
  };
  const request = { from, to, replaces: true, options, keepsOwners: false, keepsSetuid: true };
  await convertImage({ ...request, searchPath: systemSearchPath, emit, clock: environment.clock, signal });
}
