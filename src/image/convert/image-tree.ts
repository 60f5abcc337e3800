// SPDX-License-Identifier: Apache-2.0
// The merged tree of an image that is being made: layers go in one after the other, and out comes what squashfs encodes.
import type { TreeDirectory, TreeEntry, TreeNode, Xattr } from '../../formats/squashfs/index.ts';
import { blankEntry, type TarEntryType } from '../../formats/tar/index.ts';
import type { Emit, PullEvent } from '../../model/index.ts';
import { addSkeleton } from './add-skeleton.ts';
import { createLayerIndex, type LayerIndex } from './layer-index.ts';
import { mergeLayer } from './merge-layer.ts';
import { createMergedTree, type EntryReference, type MergedTree, rootNode } from './merged-tree.ts';
import type { ConvertOptions } from './options.ts';
import { tooLarge } from './record-entries.ts';
import { createWarningCounts } from './warnings.ts';

export type ImageTree = {
  /** Puts a layer on top. @throws SlipwayError `layer-entry-refused`, `image-too-large` */
  readonly add: (index: LayerIndex, layer: { readonly name: string; readonly xattrsDropped: number }) => void;
  /** No layer may follow. @throws SlipwayError `image-too-large` */
  readonly finish: () => FinishedTree;
};

export type FinishedTree = {
  /** Files, directories and the rest, the root included. */
  readonly entries: number;
  /** Bytes of its files; hard-linked ones count once. */
  readonly contentBytes: number;
  /** The latest time of them all. */
  readonly newestSec: number;
  /** The contents that the image needs of a layer, counted from 0, in the order of its entries. */
  readonly wantedOf: (layer: number) => readonly number[];
  /**
   * @param numberOf the number in the image of a layer's content
   * @param emptyContent that of a file without any
   */
  readonly root: (numberOf: (layer: number, content: number) => number, emptyContent: number) => TreeDirectory;
  readonly emitWarnings: (emit: Emit<PullEvent>) => void;
};

/** Layers in the tree are counted from 1: number 0 is what no layer has. */
const ownLayer = 0;

export function createImageTree(options: ConvertOptions): ImageTree {
  const warnings = createWarningCounts();
  const own = createLayerIndex();
  const indexes: LayerIndex[] = [own];
  const addOwn = (type: 'directory' | 'file', mode: number): EntryReference => ({
    layer: ownLayer,
    entry: own.add({ ...ownEntry, type, mode }),
  });
  const root = addOwn('directory', 0o755);
  const plainDirectory = addOwn('directory', 0o755);
  const tree = createMergedTree(indexes, options.limits);
  tree.setRoot(root);
  const target = {
    tree,
    warnings,
    implicitDirectory: () => plainDirectory,
    emptyFile: () => addOwn('file', 0o644),
    whiteouts: options.whiteouts,
  };

  return {
    add(index, { name, xattrsDropped }) {
      indexes.push(index);
      mergeLayer(target, index, { layer: indexes.length - 1, layerName: name });
      index.dropPaths();
      warnings.count('xattrs-dropped', xattrsDropped);
    },
    finish() {
      if (options.topDirectory === 'strip') stripTopDirectory(tree);
      if (options.skeleton === 'add') addSkeleton(target);
      const survey = surveyTree(tree, indexes);
      const { limits } = options;
      if (survey.contentBytes > limits.maxContentBytes) {
        throw tooLarge('bytes of content', limits.maxContentBytes, 'maxContentBytes');
      }
      warnings.count('devices-dropped', survey.droppedDevices);
      if (options.xattrs === 'drop') warnings.count('xattrs-dropped', survey.xattrs);
      return {
        entries: survey.entries,
        contentBytes: survey.contentBytes,
        newestSec: Math.min(survey.newestSec, options.maxMtimeSec ?? Infinity),
        wantedOf: (layer) => wantedOf(indexes[layer + 1], survey.uses[layer + 1]),
        root: (numberOf, emptyContent) => {
          const node = describer({ tree, indexes, survey, options }, (layer, content) =>
            content === undefined ? emptyContent : numberOf(layer - 1, content),
          );
          return directoryOf(tree, rootNode, node);
        },
        emitWarnings: warnings.emitAll,
      };
    },
  };
}

const ownEntry = { ...blankEntry, path: Buffer.from('/') } as const;

type Survey = {
  /** For each layer (by its number in the tree) how many nodes refer to each of its entries. */
  readonly uses: readonly (Uint32Array | undefined)[];
  readonly entries: number;
  readonly contentBytes: number;
  readonly newestSec: number;
  readonly droppedDevices: number;
  /** Extended attributes on what is written. */
  readonly xattrs: number;
};

function surveyTree(tree: MergedTree, indexes: readonly LayerIndex[]): Survey {
  const uses: (Uint32Array | undefined)[] = indexes.map(() => undefined);
  let [entries, contentBytes, droppedDevices, xattrs] = [0, 0, 0, 0];
  let newestSec = 0;
  const open: number[] = [];
  const visit = (node: number): void => {
    const type = tree.typeOf(node);
    if (isDevice(type)) {
      droppedDevices += 1;
      return;
    }
    entries += 1;
    const { layer, entry } = tree.referenceOf(node);
    const index = indexes[layer];
    if (index === undefined) throw new RangeError('a node refers to no layer');
    const used = (uses[layer] ??= new Uint32Array(index.count()));
    const before = used[entry] ?? 0;
    used[entry] = before + 1;
    const attributes = index.attributesOf(entry);
    newestSec = Math.max(newestSec, attributes.mtimeSec);
    if (type === 'directory') open.push(node);
    if (before > 0 && type !== 'directory') return;
    xattrs += attributes.xattrs.size;
    if (type === 'file') contentBytes += attributes.sizeBytes;
  };
  visit(rootNode);
  for (let directory = open.pop(); directory !== undefined; directory = open.pop()) {
    for (const child of tree.childrenOf(directory)) visit(child);
  }
  return { uses, entries, contentBytes, newestSec, droppedDevices, xattrs };
}

function wantedOf(index: LayerIndex | undefined, uses: Uint32Array | undefined): number[] {
  const wanted: number[] = [];
  if (index === undefined || uses === undefined) return wanted;
  for (let entry = 0; entry < uses.length; entry += 1) {
    const content = uses[entry] === 0 || index.typeOf(entry) !== 'file' ? undefined : index.contentOf(entry);
    if (content !== undefined) wanted.push(content);
  }
  return wanted;
}

/** chmod(1)'s `a+rX,u+w`: execution for all where anyone has it; links have no mode that counts. */
function readableMode(type: TarEntryType, mode: number): number {
  if (type === 'symlink') return mode;
  const isExecutable = type === 'directory' || (mode & 0o111) !== 0;
  return mode | 0o644 | (isExecutable ? 0o111 : 0);
}

type Describe = (node: number) => TreeNode | undefined;

function describer(
  image: {
    readonly tree: MergedTree;
    readonly indexes: readonly LayerIndex[];
    readonly survey: Survey;
    readonly options: ConvertOptions;
  },
  numberOf: (layer: number, content: number | undefined) => number,
): Describe {
  const { tree, indexes, survey, options } = image;
  const { owner, maxMtimeSec = Infinity } = options;
  const describe: Describe = (node) => {
    const type = tree.typeOf(node);
    const { layer, entry } = tree.referenceOf(node);
    const { mode, uid, gid, mtimeSec, xattrs } = tree.attributesOf(node);
    const attributes = {
      mode: options.permissions === 'readable' ? readableMode(type, mode) : mode,
      ...(owner === 'keep' ? { uid, gid } : owner),
      mtimeSec: Math.min(mtimeSec, maxMtimeSec),
      ...(options.xattrs === 'keep' && xattrs.size > 0 ? { xattrs: xattrsOf(xattrs) } : {}),
    };
    const isLinked = (survey.uses[layer]?.[entry] ?? 0) > 1;
    const link = isLinked ? { link: layer * 2 ** 32 + entry } : {};
    switch (type) {
      case 'directory':
        return { kind: 'directory', ...attributes, children: () => childrenOf(tree, node, describe) };
      case 'file':
        return { kind: 'file', ...attributes, ...link, content: numberOf(layer, indexes[layer]?.contentOf(entry)) };
      case 'symlink':
        return { kind: 'symlink', ...attributes, ...link, target: tree.linkTargetOf(node) };
      case 'fifo':
        return { kind: 'fifo', ...attributes, ...link };
      case 'character-device':
      case 'block-device':
        return undefined;
      case 'hardlink':
        throw new Error('a hard link was merged as itself');
      default:
        return type satisfies never;
    }
  };
  return describe;
}

function directoryOf(tree: MergedTree, node: number, describe: Describe): TreeDirectory {
  const described = describe(node);
  if (described?.kind !== 'directory') throw new Error(`the root is no directory: ${tree.typeOf(node)}`);
  return described;
}

function* childrenOf(tree: MergedTree, directory: number, describe: Describe): Generator<TreeEntry> {
  for (const child of tree.childrenOf(directory)) {
    const node = describe(child);
    if (node !== undefined) yield { name: Buffer.from(tree.nameOf(child), 'latin1'), node };
  }
}

function xattrsOf(xattrs: ReadonlyMap<string, Buffer>): Xattr[] {
  return [...xattrs].map(([name, value]) => ({ name, value }));
}

function isDevice(type: ReturnType<MergedTree['typeOf']>): boolean {
  return type === 'character-device' || type === 'block-device';
}

/** Where the root has one directory and nothing else, that becomes the root. */
export function stripTopDirectory(tree: MergedTree): void {
  const children = [...tree.childrenOf(rootNode)];
  const [only] = children;
  if (children.length !== 1 || only === undefined || tree.typeOf(only) !== 'directory') return;
  tree.replaceRoot(only);
}
