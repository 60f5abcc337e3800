// SPDX-License-Identifier: Apache-2.0
// A process of its own that downloads one blob, to be killed: ADDRESS DIGEST SIZE PATH. Says `received N` as it goes on.
import { downloadLayers } from '../../src/image/download/index.ts';
import { createRegistrySource, noCredentials } from '../../src/image/registry/index.ts';
import { parseDigest, parseImageReference } from '../../src/model/index.ts';

const [address = '', digestText = '', size = '', path = ''] = process.argv.slice(2);
const digest = parseDigest(digestText);
if (digest === undefined) throw new Error('no digest');
const source = createRegistrySource({
  reference: parseImageReference(`${address}/app:1`),
  platform: { os: 'linux', architecture: 'amd64' },
  credentials: noCredentials,
  plainHttp: true,
  emit: () => undefined,
  userAgent: 'slipway-test/1',
});
await downloadLayers({
  source,
  layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest, sizeBytes: Number(size) }],
  pathOf: () => path,
  emit: (event) => {
    if (event.type === 'blob-progress') process.stdout.write(`received ${event.doneBytes}\n`);
  },
  signal: new AbortController().signal,
});
await source.close();
