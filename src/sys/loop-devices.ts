// SPDX-License-Identifier: Apache-2.0
// Which files are shown by loop devices (sysfs, /sys/block/loopN/loop/backing_file).
import { readdirSync, readFileSync } from 'node:fs';

export type LoopImage = { readonly device: string; readonly image: string };

/** The loop devices that show files of a directory. */
export function loopImagesIn(directory: string): readonly LoopImage[] {
  return readdirSync('/sys/block')
    .filter((name) => /^loop[0-9]+$/.test(name))
    .flatMap((name) => {
      const image = readIfThere(`/sys/block/${name}/loop/backing_file`);
      return image?.startsWith(`${directory}/`) === true ? [{ device: `/dev/${name}`, image }] : [];
    });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trimEnd();
  } catch {
    // A device without a file has no such entry.
    return undefined;
  }
}
