// SPDX-License-Identifier: Apache-2.0
// An OCI layout by two ways: unpacked by umoci to a directory, and converted by us in a process of its own, whose memory
// is looked at. The image is then read by unsquashfs and by the kernel.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run, runOk } from '../support/command.ts';
import { differences, listTree } from './conversion.ts';

const minutes = 20 * 60_000;
/** What a conversion may have resident, by the budget. */
export const maxResidentBytes: number = 400 * 2 ** 20;

export type ConvertedLayout = {
  readonly image: string;
  readonly residentBytes: number;
  readonly entries: number;
};

/** Converts a layout by a program of its own; `xattrs` keeps extended attributes. */
async function convertLayout(
  layout: string,
  tag: string,
  image: string,
  options: { readonly xattrs?: boolean } = {},
): Promise<ConvertedLayout> {
  const worker = resolve(import.meta.dirname, 'convert-worker.ts');
  const argv = ['/usr/bin/time', '-f', '%M', process.execPath, worker, layout, tag, image];
  const said = await runOk(
    ['sh', '-c', 'exec "$@" 2>&1', 'sh', ...argv, ...(options.xattrs === true ? ['keep'] : [])],
    {
      timeoutMs: minutes,
    },
  );
  const [entries, kibibytes] = said.trim().split('\n').map(Number);
  return { image, entries: entries ?? 0, residentBytes: (kibibytes ?? 0) * 1024 };
}

/**
 * Fails unless what unsquashfs unpacks, what it lists, and what the kernel shows are the tree that umoci unpacks: every
 * name, mode, owner, size, time, link and content, and with `xattrs` every extended attribute that is kept.
 */
export async function assertSameAsUmoci(
  directory: string,
  layout: string,
  tag: string,
  options: { readonly xattrs?: boolean } = {},
): Promise<ConvertedLayout> {
  const bundle = join(directory, 'umoci');
  await runOk(['umoci', 'unpack', '--image', `${layout}:${tag}`, bundle], { timeoutMs: minutes });
  const rootfs = join(bundle, 'rootfs');
  const expected = listTree(rootfs);
  const converted = await convertLayout(layout, tag, join(directory, 'image.squashfs'), options);
  assert.ok(converted.residentBytes <= maxResidentBytes, `it took ${converted.residentBytes >> 20} MiB of memory`);

  const unpacked = join(directory, 'unsquashfs');
  await runOk(['unsquashfs', '-quiet', '-no-progress', '-dest', unpacked, converted.image], { timeoutMs: minutes });
  assert.deepEqual(differences(expected, listTree(unpacked)), [], 'as unsquashfs unpacks it');
  await runOk(['rm', '-rf', unpacked]);

  await withMounted(directory, converted.image, async (mounted) => {
    const actual = listTree(mounted);
    assert.deepEqual(differences(expected, actual), [], 'as the kernel shows it');
    assert.equal(actual.size + 1, converted.entries);
    if (options.xattrs === true) assert.equal(await listXattrs(mounted), await listXattrs(rootfs));
  });
  await runOk(['rm', '-rf', bundle]);
  return converted;
}

/** Mounts an image by the kernel while `work` runs. */
async function withMounted(directory: string, image: string, work: (mounted: string) => Promise<void>): Promise<void> {
  const mounted = join(directory, 'mounted');
  mkdirSync(mounted, { recursive: true });
  await runOk(['mount', '-t', 'squashfs', '-o', 'loop,ro', image, mounted]);
  try {
    await work(mounted);
  } finally {
    await runOk(['umount', mounted]);
  }
}

/** Of the attributes that are kept at all, sorted by path. */
async function listXattrs(root: string): Promise<string> {
  const kept = '^(user\\.|security\\.capability$)';
  const argv = ['getfattr', '--recursive', '--no-dereference', '--dump', '--encoding=hex', '--match', kept, '.'];
  const { status, stdout, stderr } = await run(argv, { cwd: root, timeoutMs: minutes });
  // Of an image without a single attribute the kernel says that it can have none.
  const complaints = stderr.split('\n').filter((line) => line !== '' && !line.endsWith(': Operation not supported'));
  assert.ok(status === 0 || complaints.length === 0, complaints.join('\n'));
  return stdout.split('\n\n').toSorted().join('\n\n');
}
