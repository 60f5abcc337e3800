// SPDX-License-Identifier: Apache-2.0
// One process that converts: `convert-worker.ts LAYOUT TAG IMAGE [keep]`. Says how many entries the image has.
import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultConvertOptions, layersToSquashfs } from '../../src/image/convert/index.ts';
import { parseDigest } from '../../src/model/index.ts';

type Descriptor = { readonly digest: string; readonly size: number };

const [layout = '', tag = '', outputPath = '', xattrs = 'drop'] = process.argv.slice(2);
const blobPath = (digest: string): string => join(layout, 'blobs', digest.replace(':', '/'));
const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const index = readJson(join(layout, 'index.json')) as {
  readonly manifests: readonly (Descriptor & { readonly annotations?: Readonly<Record<string, string>> })[];
};
const tagged = index.manifests.find((entry) => entry.annotations?.['org.opencontainers.image.ref.name'] === tag);
const manifest = readJson(blobPath(tagged?.digest ?? '')) as {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
};
const config = readJson(blobPath(manifest.config.digest)) as { readonly rootfs: { readonly diff_ids: string[] } };
const layers = manifest.layers.map(({ digest, size }, number) => {
  const diffId = parseDigest(config.rootfs.diff_ids[number] ?? '');
  return {
    name: digest,
    sizeBytes: size,
    open: () => createReadStream(blobPath(digest), { highWaterMark: 1 << 20 }),
    ...(diffId === undefined ? {} : { diffId }),
  };
});
const { entries } = await layersToSquashfs(layers, {
  name: `${layout}:${tag}`,
  outputPath,
  options: { ...defaultConvertOptions, xattrs: xattrs === 'keep' ? 'keep' : 'drop' },
  emit: () => undefined,
  signal: new AbortController().signal,
});
process.stdout.write(`${entries}\n`);
