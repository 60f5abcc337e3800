// SPDX-License-Identifier: Apache-2.0
// Images on a file system that this machine mounts.
import { join } from 'node:path';
import { isConvertedBySlipway } from '../../formats/shifter/index.ts';
import { copyTo } from '../../sys/copy-file.ts';
import {
  ensureDirectory,
  listDirectoryIfPresent,
  moveDurably,
  readFileIfPresent,
  removeIfPresent,
  setMode,
  statIfPresent,
  writeFileAtomic,
} from '../../sys/files.ts';
import { livenessOfTemporary, temporaryName } from '../../sys/process-identity.ts';
import { type Destination, imageFileName } from './destination.ts';
import { importLocalFile } from './import-local.ts';

const mode = 0o600;
const maxMetaBytes = 16 * 1024 * 1024;
/** A part of a process that can't be asked whether it lives is given up after a day. */
const abandonedMs = 86_400_000;

export function localDestination(system: string, directory: string): Destination {
  const pathOf = (id: string, suffix: string): string => join(directory, imageFileName(id, suffix));
  const putMeta = async (id: string, text: string): Promise<void> => {
    await ensureDirectory(directory, { mode: 0o755 });
    const path = pathOf(id, 'meta');
    await writeFileAtomic(path, text, { mode, temporary: `${path}.partial.${temporaryName()}` });
  };
  /** All that takes long is done before what is there is touched. */
  const install = async (from: string, path: string, putItsMeta: () => Promise<void>): Promise<void> => {
    const partial = `${path}.partial.${temporaryName()}`;
    try {
      await copyTo(from, partial);
      await removeIfPresent(path);
      await putItsMeta();
      await moveDurably(partial, path, { mode });
    } catch (error) {
      await removeIfPresent(partial).catch(() => false);
      throw error;
    }
  };
  return {
    sizeOf: async (id, format) => {
      const image = await statIfPresent(pathOf(id, format));
      const meta = (await readFileIfPresent(pathOf(id, 'meta'), { maxBytes: maxMetaBytes }))?.toString('utf8');
      const isOurs = meta !== undefined && isConvertedBySlipway(meta);
      return image?.isFile() === true && isOurs ? image.size : undefined;
    },
    putMeta,
    putImage: async ({ id, format, path, meta }, { signal, onProgress }) => {
      signal.throwIfAborted();
      await ensureDirectory(directory, { mode: 0o755 });
      const totalBytes = (await statIfPresent(path))?.size ?? 0;
      onProgress(0, totalBytes);
      await install(path, pathOf(id, format), () => putMeta(id, meta));
      onProgress(totalBytes, totalBytes);
    },
    setReaders: async ({ id, format }, readers) => {
      for (const suffix of [format, 'meta']) await setMode(pathOf(id, suffix), readers === 'all' ? 0o644 : mode);
    },
    remove: async (id, format) => {
      await removeIfPresent(pathOf(id, format));
      await removeIfPresent(pathOf(id, 'meta'));
    },
    importFile: async (file, options) => await importLocalFile({ ...file, system, pathOf }, options),
    sweep: async () => {
      for (const name of (await listDirectoryIfPresent(directory)) ?? []) {
        const owner = /^[0-9a-f]{8,128}\.[a-z0-9]+\.partial\.(.+)$/.exec(name)?.[1];
        if (owner === undefined) continue;
        const path = join(directory, name);
        const ageMs = Date.now() - ((await statIfPresent(path))?.mtimeMs ?? 0);
        const liveness = livenessOfTemporary(owner);
        if (liveness === 'gone' || (liveness === 'unknown' && ageMs > abandonedMs)) await removeIfPresent(path);
      }
    },
  };
}
