// SPDX-License-Identifier: Apache-2.0
// From any form of an image to any other. Trees stream from reader to writer; nothing is unpacked on the way, and the result
// appears whole or not at all.
import { dirname } from 'node:path';
import { type Digest, type Emit, type PullEvent, SlipwayError } from '../../model/index.ts';
import { createBlockFile } from '../../sys/block-file.ts';
import type { Clock } from '../../sys/clock.ts';
import { syncFile } from '../../sys/file-chunks.ts';
import { checkWritable, listDirectoryIfPresent, statIfPresent } from '../../sys/files.ts';
import { findProgram, withChild } from '../../sys/process.ts';
import { makeOutputDirectory, type Output, prepareOutput } from '../../sys/output-file.ts';
import { type ConversionResult, type ConvertOptions, type LayersOrder, layersToSquashfs } from '../convert/index.ts';
import type { OpenedSource } from '../sources/open-source.ts';
import { createDirectorySink } from '../trees/directory-sink.ts';
import { adaptSink } from '../trees/adapt-sink.ts';
import { writeTree } from '../trees/write-tree.ts';
import { createTarSink } from '../trees/tar-sink.ts';
import { createTreeWarnings } from '../trees/tree-warnings.ts';
import { compressInto } from './compress-stream.ts';
import { writeDockerArchive } from './docker-archive.ts';
import { type ExportContext, type LayerCompression, resolveImage, treeProgress } from './image-parts.ts';
import { readBlob } from './read-blob.ts';
import { archiveWriter, directoryWriter, type MemberWriter } from './member-writer.ts';
import { writeDirTransport, writeOciLayout } from './oci-layout.ts';
import type { ConvertTarget } from './target.ts';
import { type ImageAsTree, layerSource, withTree } from './with-tree.ts';

export type ConvertRequest = {
  /** Stays open; its owner closes it. */
  readonly from: OpenedSource;
  /** How events call the image; by its digest unless given. */
  readonly name?: string;
  /** Its path is absolute. */
  readonly to: ConvertTarget;
  /** Whether what is at the target is replaced; a directory only where it looks like an image, or is empty. */
  readonly replaces: boolean;
  /** `skeleton: 'none'` for an image as it is. */
  readonly options: ConvertOptions;
  /** Directories, colon-separated, in which other programs are looked for. */
  readonly searchPath: string;
  /** Of layers that have to be made: `gzip` unless given, which every tool reads. */
  readonly layerCompression?: LayerCompression;
  /** In a directory: give files the owners that the image says. Only root can. */
  readonly keepsOwners: boolean;
  /** In a directory: keep set-user-ID and set-group-ID bits of files. */
  readonly keepsSetuid: boolean;
  readonly emit: Emit<PullEvent>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

export type ConvertedImage = {
  readonly path: string;
  /** Of the manifest, where the form has one; of a docker archive, the image's id. */
  readonly digest?: Digest;
  /** Of a tree: the root included. */
  readonly entries?: number;
  readonly contentBytes?: number;
  /** Of the result, where it is one file. */
  readonly sizeBytes?: number;
};

/**
 * Converts an image. Nothing is left behind by one that fails or is aborted.
 *
 * What no form keeps: device files, sockets, times finer than a second, and extended attributes unless
 * `options.xattrs` says so; each kind is said once, with its count. Set-user-ID bits stay in archives, squashfs and
 * layers. An image with layers keeps them, and an OCI image its manifest, where the target holds layers.
 *
 * @example
 * await convertImage({ from: await openSource(reference, …), to: parseTarget('image.sqfs'), … });
 *
 * @throws SlipwayError `target-exists`, `target-not-image`, `target-unknown`; those of the source and of writing; the
 *   signal's reason
 */
export async function convertImage(request: ConvertRequest): Promise<ConvertedImage> {
  const { to, signal } = request;
  signal.throwIfAborted();
  const path = to.path.length > 1 ? to.path.replace(/\/+$/, '') : to.path;
  await checkTarget(path, request);
  const output = prepareOutput(path);
  try {
    switch (to.format) {
      case 'directory':
        return await toDirectory(request, path, output);
      case 'squashfs':
        return await toSquashfs(request, path, output);
      case 'tar':
        return await toTar(request, path, output);
      case 'oci':
      case 'dir':
        return await toLayoutDirectory(request, path, output);
      case 'oci-archive':
      case 'docker-archive':
        return await toImageArchive(request, path, output);
      default:
        return to.format satisfies never;
    }
  } finally {
    await output.discard();
  }
}

const imageMarks = ['etc', 'usr', 'bin', 'index.json', 'manifest.json'];

/** Whether the target can be written, before anything is done for it. */
async function checkTarget(path: string, { to, replaces }: ConvertRequest): Promise<void> {
  const isArchive = to.format === 'oci-archive' || to.format === 'docker-archive';
  if (isArchive && to.compression !== 'none') {
    const reason = 'an archive of an image is not compressed as a whole, so that its parts can be reached';
    throw new SlipwayError('target-unknown', { target: to.path, reason }, { hint: 'let its name end in .tar' });
  }
  await checkWritable(dirname(path));
  const stats = await statIfPresent(path);
  if (stats === undefined) return;
  if (!replaces) throw new SlipwayError('target-exists', { path });
  if (!stats.isDirectory()) return;
  const names = (await listDirectoryIfPresent(path)) ?? [];
  if (names.length > 0 && !names.some((name) => imageMarks.includes(name))) {
    throw new SlipwayError('target-not-image', { path });
  }
}

async function toDirectory(request: ConvertRequest, path: string, output: Output): Promise<ConvertedImage> {
  const { options, emit, signal } = request;
  const warnings = createTreeWarnings();
  await makeOutputDirectory(output);
  const sink = createDirectorySink({
    path: output.temporaryPath,
    keepsOwners: request.keepsOwners,
    keepsSetuid: request.keepsSetuid,
    warnings,
    searchPath: request.searchPath,
    signal,
  });
  try {
    const totals = await withTree(asTree(request, output), async (tree) => {
      const read = await tree.read(adaptSink(sink, options), { signal, progress: treeProgress(emit) });
      await sink.finish();
      return read;
    });
    await flushTree(output.temporaryPath, request);
    warnings.emitAll(emit);
    if (!(await output.placeDirectory(request))) throw new SlipwayError('target-exists', { path });
    return { path, ...totals };
  } finally {
    sink.close();
  }
}

/**
 * Has the files of a tree on disk before the tree gets its name: by one syncfs(2) through sync(1), which Node has no call
 * for, as an fsync for each of ten thousand files takes minutes. Where there is no such program, the tree is as lasting as
 * one that tar unpacked.
 */
async function flushTree(path: string, { searchPath, signal }: ConvertRequest): Promise<void> {
  const program = await findProgram('sync', searchPath);
  if (program === undefined) return;
  const { end } = await withChild({ argv: [program, '-f', path], signal }, async ({ ended }) => await ended);
  if (end.status === 0) return;
  const reason = `ended with status ${end.status}: ${end.stderrTail}`;
  throw new SlipwayError('program-failed', { task: `flush ${path} to disk`, program: 'sync', reason });
}

async function toSquashfs(request: ConvertRequest, path: string, output: Output): Promise<ConvertedImage> {
  const { options, emit, signal } = request;
  let parts = 0;
  const order = {
    outputPath: output.temporaryPath,
    temporaryPath: () => `${output.temporaryPath}.part-${++parts}`,
    options,
    emit,
    signal,
    progress: treeProgress(emit),
  };
  const { from } = request;
  const result = from.kind === 'tree' ? await writeTree(from.source, order) : await mergeLayers(from, request, order);
  await placeFile(request, path, output);
  return { path, ...result };
}

/** Layers into a squashfs, each read once, as it comes. */
async function mergeLayers(
  from: Extract<OpenedSource, { kind: 'image' }>,
  request: ConvertRequest,
  order: Omit<LayersOrder, 'name'>,
): Promise<ConversionResult> {
  const context = exportContext(request);
  const resolved = await resolveImage(from.source, context);
  const layers = resolved.layers.map((layer) => layerSource(layer, () => readBlob({ ...context, ...from, layer })));
  return await layersToSquashfs(layers, { ...order, name: resolved.digest });
}

async function toTar(request: ConvertRequest, path: string, output: Output): Promise<ConvertedImage> {
  const { to, options, emit, signal } = request;
  const file = await createBlockFile(output.temporaryPath);
  let sizeBytes = 0;
  const write = async (chunk: Buffer): Promise<void> => {
    await file.write([chunk], sizeBytes);
    sizeBytes += chunk.length;
  };
  try {
    const { threads } = options;
    const compress = { threads, searchPath: request.searchPath, compression: to.compression, signal };
    const totals = await withTree(asTree(request, output), async (tree) => {
      let read = { entries: 0, contentBytes: 0 };
      await compressInto(write, compress, async (writePlain) => {
        const sink = createTarSink({ write: writePlain, isLayer: false, onWhiteoutName: () => undefined });
        read = await tree.read(adaptSink(sink, options), { signal, progress: treeProgress(emit) });
        await sink.finish();
      });
      return read;
    });
    await placeFile(request, path, output);
    return { path, ...totals, sizeBytes };
  } finally {
    await file.close();
  }
}

async function toLayoutDirectory(request: ConvertRequest, path: string, output: Output): Promise<ConvertedImage> {
  await makeOutputDirectory(output);
  const digest = await writeMembers(directoryWriter(output.temporaryPath), request);
  if (!(await output.placeDirectory({ ...request, mode: 0o755 }))) throw new SlipwayError('target-exists', { path });
  return { path, digest };
}

async function toImageArchive(request: ConvertRequest, path: string, output: Output): Promise<ConvertedImage> {
  const digest = await writeMembers(await archiveWriter(output.temporaryPath), request);
  const sizeBytes = await syncFile(output.temporaryPath);
  await placeFile(request, path, output);
  return { path, digest, sizeBytes };
}

async function writeMembers(members: MemberWriter, request: ConvertRequest): Promise<Digest> {
  const { from, to } = request;
  const context = exportContext(request);
  try {
    const digest =
      to.format === 'dir'
        ? await writeDirTransport(from, members, context)
        : to.format === 'docker-archive'
          ? await writeDockerArchive(from, members, { name: to.name, context })
          : await writeOciLayout(from, members, { name: to.name ?? 'latest', context });
    await members.finish();
    return digest;
  } finally {
    await members.close();
  }
}

function exportContext(request: ConvertRequest): ExportContext {
  const { layerCompression = 'gzip', options, searchPath, emit, clock, signal } = request;
  const name = request.name === undefined ? {} : { name: request.name };
  return { ...name, layerCompression, options, searchPath, emit, clock, signal };
}

function asTree(request: ConvertRequest, output: Output): ImageAsTree {
  const { from, options } = request;
  return { from, options, layersDirectory: `${output.temporaryPath}.layers`, context: exportContext(request) };
}

async function placeFile(request: ConvertRequest, path: string, output: Output): Promise<void> {
  if (await output.placeFile({ replaces: request.replaces, mode: 0o644 })) return;
  throw new SlipwayError('target-exists', { path });
}
