// SPDX-License-Identifier: Apache-2.0
// Names that can't be read, or lead to no image.
import { formatImageReference, hasCode } from '../../model/index.ts';
import { listDirectoryIfPresent, readFileIfPresent, removeIfPresent, statIfPresent } from '../../sys/files.ts';
import { isLocked, withLock } from '../../sys/lock-file.ts';
import { imageLockPath, imageRecordPath, storeLockPath, tagFileName, tagsDirectory } from '../store/layout.ts';
import { maxRecordBytes, parseStoredTag } from '../store/records.ts';
import type { Repairable, StoreFault } from './check-store.ts';

export async function findTagFaults(store: string): Promise<readonly Repairable[]> {
  const directory = tagsDirectory(store);
  const found: Repairable[] = [];
  for (const name of (await listDirectoryIfPresent(directory)) ?? []) {
    if (!name.endsWith('.json')) continue;
    const path = `${directory}/${name}`;
    const fault = await findFault(store, path, name);
    if (fault === undefined) continue;
    const repair: Repairable['repair'] = async ({ signal }) =>
      await withLock(storeLockPath(store, 'tags'), { what: 'the tags', signal }, async () => {
        if ((await findFault(store, path, name)) !== undefined) await removeIfPresent(path);
      });
    found.push({ fault, repair });
  }
  return found;
}

async function findFault(store: string, path: string, name: string): Promise<StoreFault | undefined> {
  const text = (await readFileIfPresent(path, { maxBytes: maxRecordBytes }))?.toString('utf8');
  if (text === undefined) return undefined;
  const bytes = Buffer.byteLength(text);
  let tag;
  try {
    tag = parseStoredTag(text, path);
  } catch (error) {
    if (!hasCode(error, 'store-damaged')) throw error;
    return { kind: 'tag-damaged', path, reason: error.message.replace(/^read \S+: /, ''), bytes };
  }
  const reference = formatImageReference(tag.reference);
  if (tagFileName(tag.reference) !== name) {
    return { kind: 'tag-damaged', path, reason: `it is the name ${reference}, which has another file`, bytes };
  }
  if ((await statIfPresent(imageRecordPath(store, tag.digest))) !== undefined) return undefined;
  if (await isLocked(imageLockPath(store, tag.digest))) return undefined;
  const reason = `${reference} means ${tag.digest}, which is not in the store`;
  return { kind: 'tag-dangling', path, reason, bytes, digest: tag.digest };
}
