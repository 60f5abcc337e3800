// SPDX-License-Identifier: Apache-2.0
// For sites with an examiner, or with mksquashfs as converter: both want the image as a directory. It is unpacked, by
// unsquashfs and without privilege, from the squashfs that was made of the layers: nothing in it can point outside.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type Digest, SlipwayError } from '../../model/index.ts';
import { ensureDirectory, removeIfPresent, removeTree, statIfPresent } from '../../sys/files.ts';
import { findProgram, systemSearchPath, withChild } from '../../sys/process.ts';
import { temporaryName } from '../../sys/process-identity.ts';
import type { FromWorker, WorkerTask } from './worker-protocol.ts';

type Made = Extract<FromWorker, { readonly type: 'made' }>;

/** Examines and converts. @throws SlipwayError `gateway-examiner-refused`, `gateway-worker-failed` */
export async function makeFromTree(
  task: WorkerTask,
  image: { readonly squashfsPath: string; readonly id: string; readonly digest: Digest },
  say: (message: FromWorker) => void,
  signal: AbortSignal,
): Promise<Made> {
  await ensureDirectory(task.expandDirectory, { mode: 0o700 });
  const tree = join(task.expandDirectory, `${image.id}.${temporaryName()}`);
  try {
    const unpack = ['-no-xattrs', '-no-progress', '-ignore-errors', '-d', tree, image.squashfsPath] as const;
    await runTool('unsquashfs', unpack, image.id, signal);
    if (task.examiner !== undefined) {
      say({ type: 'status', status: 'EXAMINATION', message: 'Examining image' });
      await examine(task.examiner, tree, image.id, signal);
    }
    say({ type: 'status', status: 'CONVERSION', message: 'Converting image' });
    if (task.converter.kind === 'slipway') {
      const sizeBytes = (await statIfPresent(image.squashfsPath))?.size ?? 0;
      return { type: 'made', path: image.squashfsPath, sizeBytes, isTemporary: false };
    }
    const path = join(task.expandDirectory, `${image.id}.${randomUUID()}.squashfs`);
    try {
      await runTool(
        'mksquashfs',
        [tree, path, '-all-root', '-noappend', '-no-progress', ...task.converter.options],
        image.id,
        signal,
      );
      return { type: 'made', path, sizeBytes: (await statIfPresent(path))?.size ?? 0, isTemporary: true };
    } catch (error) {
      await removeIfPresent(path);
      throw error;
    }
  } finally {
    await removeTree(tree);
  }
}

async function examine(program: string, tree: string, id: string, signal: AbortSignal): Promise<void> {
  const { end } = await withChild({ argv: [program, tree, id], signal }, async ({ ended }) => await ended);
  if (end.status === 0) return;
  throw new SlipwayError('gateway-examiner-refused', {
    image: id,
    program,
    status: end.status ?? end.signalName ?? 'unknown',
    detail: end.stderrTail === '' ? '' : `: ${end.stderrTail.split('\n').at(-1) ?? ''}`,
  });
}

async function runTool(name: string, words: readonly string[], image: string, signal: AbortSignal): Promise<void> {
  const program = await findProgram(name, systemSearchPath);
  const fail = (reason: string): SlipwayError => new SlipwayError('gateway-worker-failed', { image, reason });
  if (program === undefined) throw fail(`there is no program ${name} (package squashfs-tools)`);
  const { end } = await withChild({ argv: [program, ...words], signal }, async ({ ended }) => await ended);
  if (end.status === 0) return;
  const last = end.stderrTail.split('\n').at(-1) ?? '';
  throw fail(
    `${name} ended with ${end.status ?? end.signalName ?? 'an unknown status'}${last === '' ? '' : `: ${last}`}`,
  );
}
