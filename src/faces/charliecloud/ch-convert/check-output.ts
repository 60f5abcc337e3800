// SPDX-License-Identifier: Apache-2.0
// Whether the output may be written where it is to go, by Charliecloud's rules for what may be replaced.
import { dirname } from 'node:path';
import { SlipwayError } from '../../../model/index.ts';
import { listDirectoryIfPresent, statFollowing } from '../../../sys/files.ts';
import type { CommandContext } from '../command.ts';
import type { Format } from './description.ts';
import { hasImage, storageOf } from './engines.ts';
import { readOciPlace } from './oci-place.ts';

export type Output = { readonly format: Format; readonly name: string; readonly path: string };

export type OutputRules = CommandContext & { readonly noClobber: boolean; readonly say: (text: string) => void };

/** An image has these directories. */
const imageMarks = ['bin', 'dev', 'usr'];

/** @throws SlipwayError `charliecloud-convert` */
export async function checkOutput(output: Output, rules: OutputRules): Promise<void> {
  switch (output.format) {
    case 'docker':
    case 'podman':
      if (rules.noClobber && (await hasImage(output.format, output.name, rules))) {
        refuse(`exists in ${storageOf[output.format]}, not deleting per --no-clobber: ${output.name}`);
      }
      return;
    case 'oci':
      return await (readOciPlace(output.name).transport === 'oci'
        ? checkDirectory(output, ['oci-layout'], rules)
        : checkFile(output, rules));
    case 'tar':
      if (!/\.(?:tar\.gz|tgz)$/.test(output.name)) {
        refuse('only gzipped tar output (.tar.gz or .tgz) supported');
      }
      return await checkFile(output, rules);
    case 'squash':
      return await checkFile(output, rules);
    case 'ch-image':
      if (rules.noClobber && (await statFollowing(output.path)) !== undefined) {
        refuse(`exists in ch-image storage, not deleting per --no-clobber: ${output.name}`);
      }
      return;
    case 'dir':
      return await checkDirectory(output, imageMarks, rules);
    default:
      return output.format satisfies never;
  }
}

async function checkFile({ name, path }: Output, { noClobber }: OutputRules): Promise<void> {
  await checkParent(path);
  const stats = await statFollowing(path);
  if (stats === undefined) return;
  if (noClobber) refuse(`exists, not deleting per --no-clobber: ${name}`);
  if (stats.isDirectory()) refuse(`exists and is a directory: ${name}`);
}

async function checkDirectory(
  { name, path }: Output,
  marks: readonly string[],
  { noClobber, say }: OutputRules,
): Promise<void> {
  await checkParent(path);
  const stats = await statFollowing(path);
  if (stats === undefined) return;
  if (!stats.isDirectory()) return refuse(`exists but not a directory: ${name}`);
  const names = (await listDirectoryIfPresent(path)) ?? [];
  if (names.length === 0) return say(`using empty directory: ${name}`);
  if (!marks.every((mark) => names.includes(mark))) {
    return refuse(`exists but does not appear to be an image and is not empty: ${name}`);
  }
  if (noClobber) return refuse(`exists, not deleting per --no-clobber: ${name}`);
  return say(`deleting existing image: ${name}`);
}

async function checkParent(path: string): Promise<void> {
  const parent = dirname(path);
  if ((await statFollowing(parent))?.isDirectory() !== true) refuse(`not a directory: ${parent}`);
}

function refuse(reason: string): never {
  throw new SlipwayError('charliecloud-convert', { reason });
}
