// SPDX-License-Identifier: Apache-2.0
// The program that writes squashfs when an image is pulled; nodes that only run images do without.
import { systemSearchPath } from '../sys/process.ts';
import type { Finding } from './finding.ts';
import type { HostReader } from './reader.ts';

export type ImageWriterFacts = { readonly path: string | undefined };

export async function readImageWriter(reader: HostReader): Promise<ImageWriterFacts> {
  const searchPath = `${reader.environment['PATH'] ?? ''}:${systemSearchPath}`;
  return {
    path: (await reader.findProgram('tar2sqfs', searchPath)) ?? (await reader.findProgram('mksquashfs', searchPath)),
  };
}

/** Id `image-writer`. */
export function judgeImageWriter({ path }: ImageWriterFacts): Finding {
  const id = 'image-writer';
  const what = 'tar2sqfs or mksquashfs';
  if (path !== undefined) return { id, state: 'ok', what, detail: path };
  return {
    id,
    state: 'warning',
    what,
    detail: 'neither is here: images can be run, but not pulled',
    remedy: {
      user: 'Pull images where one of them is, e.g. on a login node.',
      administrator: 'Install squashfs-tools-ng, or squashfs-tools 4.5 or newer.',
    },
  };
}
