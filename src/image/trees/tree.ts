// SPDX-License-Identifier: Apache-2.0
// A file tree on its way from one form to another. Whoever reads a directory, a squashfs file, a tarball or merged
// layers produces the same stream, and whoever writes one of them consumes it.
import { blankEntry, type TarEntry } from '../../formats/tar/index.ts';
import type { ImageConfig } from '../../model/index.ts';
import type { ConvertOptions, LayerSource } from '../convert/index.ts';

/**
 * One file, directory or the rest. `path` is relative and clean: `.` for the root, else components between single slashes,
 * none of them `.` or `..`. So is a hard link's `linkTarget`. Times are whole seconds from 0 on.
 */
export type TreeEntry = TarEntry;

/**
 * Takes a tree: the root first, every directory before what is in it, every path once, hard links after the file
 * that they name, and no path through anything but a directory. Buffers are only lent.
 */
export type TreeSink = {
  /** A file's content follows, up to `contentEnd`; nothing follows any other entry. */
  readonly entry: (entry: TreeEntry) => void;
  readonly content: (chunk: Buffer) => void;
  /** The next `sizeBytes` bytes of the content are zeros that nobody need store. */
  readonly hole: (sizeBytes: number) => void;
  readonly contentEnd: () => void;
  /** To be awaited between large chunks: there is room for more. Throws what went wrong since. */
  readonly drain: () => Promise<void>;
};

export type TreeProgress = (doneBytes: number, totalBytes: number | undefined) => void;

export type ReadTreeOptions = {
  readonly signal: AbortSignal;
  readonly progress: TreeProgress;
};

export type TreeTotals = {
  /** The root included. */
  readonly entries: number;
  /** Bytes of files; hard-linked ones count once. */
  readonly contentBytes: number;
};

/** Archives that make a tree together, from the base upwards. */
export type Archives = Pick<ConvertOptions, 'whiteouts' | 'topDirectory'> & {
  readonly layers: readonly LayerSource[];
};

/** What every reader of trees is told. */
export type TreeOptions = Pick<ConvertOptions, 'limits' | 'xattrs'> & {
  /** Directories, colon-separated, in which other programs are looked for. */
  readonly searchPath: string;
};

/** A tree that can be read, once or several times. */
export type TreeSource = {
  /** For messages: a path or a reference. */
  readonly name: string;
  /** What the image says about itself; empty where its form has no place for that. */
  readonly config: ImageConfig;
  /** What it is made of, for writers that merge archives themselves. */
  readonly archives?: Archives;
  readonly read: (sink: TreeSink, options: ReadTreeOptions) => Promise<TreeTotals>;
  readonly close: () => Promise<void>;
};

/** A directory that is named in paths only. */
export const impliedDirectory: TreeEntry = { ...blankEntry, type: 'directory', path: Buffer.from('/'), mode: 0o755 };
