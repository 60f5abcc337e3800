// SPDX-License-Identifier: Apache-2.0
// What a path holds, by its content: names say too little, and too often something else.
import { join } from 'node:path';
import { sifMagic, sifMagicStartBytes } from '../../formats/sif/index.ts';
import { createTarReader } from '../../formats/tar/index.ts';
import { hasCode, SlipwayError } from '../../model/index.ts';
import { readFileStart } from '../../sys/file-chunks.ts';
import { statFollowing } from '../../sys/files.ts';
import { inArchive, readDecompressed, storedChunks } from '../read-decompressed.ts';

export type PathKind = 'oci' | 'oci-archive' | 'docker-archive' | 'dir' | 'directory' | 'tar' | 'squashfs' | 'sif';

const squashfsMagic = 'hsqs';
/** The names with which archives of images begin: an OCI layout's, and those of docker save. */
const imageMember =
  /^(?:blobs(?:\/|$)|index\.json$|oci-layout$|manifest\.json$|repositories$|[0-9a-f]{64}(?:\/|\.json$|\.tar$|$))/;
const entriesLookedAt = 4;

/**
 * @throws SlipwayError `source-missing`, `source-unrecognized`; `archive-unreadable` and `program-missing` for a
 *   compressed file whose beginning can't be read
 */
export async function sniffPath(
  path: string,
  options: { readonly searchPath: string; readonly signal: AbortSignal },
): Promise<PathKind> {
  const stats = await statFollowing(path);
  if (stats === undefined) throw new SlipwayError('source-missing', { path });
  if (stats.isDirectory()) return await sniffDirectory(path);
  if (!stats.isFile()) {
    throw new SlipwayError('source-unrecognized', { path, reason: 'it is neither a file nor a directory' });
  }
  const start = await readFileStart(path, sifMagicStartBytes + sifMagic.length);
  if (start.toString('latin1', 0, 4) === squashfsMagic) return 'squashfs';
  if (start.subarray(sifMagicStartBytes).equals(sifMagic)) return 'sif';
  if (start.length === 0) throw new SlipwayError('source-unrecognized', { path, reason: 'it is empty' });
  return await sniffArchive(path, options);
}

async function sniffDirectory(path: string): Promise<PathKind> {
  const has = async (name: string): Promise<boolean> => (await statFollowing(join(path, name)))?.isFile() === true;
  if ((await has('oci-layout')) && (await has('index.json'))) return 'oci';
  if ((await has('version')) && (await has('manifest.json'))) {
    const version = (await readFileStart(join(path, 'version'), 64)).toString('latin1');
    if (version.startsWith('Directory Transport Version:')) return 'dir';
  }
  return 'directory';
}

async function sniffArchive(
  path: string,
  options: { readonly searchPath: string; readonly signal: AbortSignal },
): Promise<'oci-archive' | 'docker-archive' | 'tar'> {
  const names: string[] = [];
  const reader = createTarReader({
    entry: (entry) => {
      names.push(entry.path.toString('latin1').replace(/^(?:\.?\/)+/, ''));
      return false;
    },
  });
  try {
    await readDecompressed(storedChunks({ path }, options.signal), { ...options, name: path }, (chunk) => {
      // Block by block, so that what follows the first entries is neither read nor judged.
      for (let at = 0; at < chunk.length && names.length < entriesLookedAt; at += 512) {
        reader.write(chunk.subarray(at, at + 512));
      }
      return names.length < entriesLookedAt;
    });
  } catch (error) {
    if (names.length === 0 && hasCode(error, 'tar-malformed')) {
      const reason = 'it is neither squashfs nor SIF, and no tar archive either';
      throw new SlipwayError('source-unrecognized', { path, reason }, { cause: error });
    }
    throw inArchive(path, error);
  }
  if (names.length === 0) {
    const reason = 'it is neither squashfs nor SIF, nor a tar archive that holds anything';
    throw new SlipwayError('source-unrecognized', { path, reason });
  }
  const [first] = names.filter((name) => name !== '');
  if (first === undefined || !imageMember.test(first.replace(/\/$/, ''))) return 'tar';
  return /^(?:oci-layout|index\.json|blobs\b)/.test(first) ? 'oci-archive' : 'docker-archive';
}
