// SPDX-License-Identifier: Apache-2.0
// The programs that turn a tar stream into squashfs, and how each is told what to do, by their man pages: tar2sqfs(1) of
// squashfs-tools-ng first, else mksquashfs(1) of squashfs-tools 4.5 with `-tar`. On a Debian base system at zstd level 3
// both take the same processor time, tar2sqfs a tenth of the memory, and it keeps the time of the root directory.
// sqfstar(1) is mksquashfs by another name, but 4.5.1 can't be told the zstd level.
import { SlipwayError } from '../../model/index.ts';
import { findProgram } from '../../sys/process.ts';
import type { EntryAttributes } from './layer-index.ts';
import type { ConvertOptions } from './options.ts';

export type SquashfsTool = { readonly name: 'tar2sqfs' | 'mksquashfs'; readonly path: string };

const toolNames = ['tar2sqfs', 'mksquashfs'] as const;

/** @throws SlipwayError `squashfs-tool-missing`. */
export async function findSquashfsTool(searchPath: string): Promise<SquashfsTool> {
  for (const name of toolNames) {
    const path = await findProgram(name, searchPath);
    if (path !== undefined) return { name, path };
  }
  throw new SlipwayError('squashfs-tool-missing', { tools: toolNames.join(' nor '), searchPath });
}

export type SquashfsOrder = {
  readonly tool: SquashfsTool;
  /** Absolute, not there yet. */
  readonly outputPath: string;
  readonly root: EntryAttributes;
  /** Seconds since the epoch: no file in the image is younger. */
  readonly newestSec: number;
  readonly options: ConvertOptions;
};

/** The command that reads an archive on standard input; all that would differ from run to run is pinned. */
export function toolCommand({ tool, outputPath, root, newestSec, options }: SquashfsOrder): {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
} {
  const level = String(options.compressionLevel);
  const threads = String(options.threads);
  const hasXattrs = options.xattrs === 'keep';
  switch (tool.name) {
    case 'tar2sqfs': {
      const what = ['--quiet', '--no-skip', ...(hasXattrs ? [] : ['--no-xattr']), '--defaults', 'mtime=0'];
      const how = ['--compressor', 'zstd', '--comp-extra', `level=${level}`, '--num-jobs', threads];
      return { argv: [tool.path, ...what, ...how, outputPath], env: {} };
    }
    case 'mksquashfs': {
      const what = ['-tar', '-noappend', '-exit-on-error', '-quiet', '-no-progress'];
      const how = ['-comp', 'zstd', '-Xcompression-level', level, '-processors', threads];
      // It passes over an entry for the root: what that says has to be said by options.
      const owner = ['-root-uid', String(root.uid), '-root-gid', String(root.gid)];
      const rest = ['-root-mode', root.mode.toString(8), hasXattrs ? '-xattrs' : '-no-xattrs'];
      return {
        argv: [tool.path, '-', outputPath, ...what, ...how, ...owner, ...rest],
        // With -tar the root gets the time of day, whatever -root-time says; this clamps it, and nothing else (but
        // where a file is younger than now, it can't).
        env: { SOURCE_DATE_EPOCH: String(newestSec) },
      };
    }
    default:
      return tool.name satisfies never;
  }
}
