// SPDX-License-Identifier: Apache-2.0
// A registry client without credentials, closed when the test ends, and an image for a fake registry to serve.
import { after } from 'node:test';
import {
  createRegistrySource,
  type RegistrySource,
  type RegistrySourceOptions,
} from '../../src/image/registry/index.ts';
import { parseImageReference } from '../../src/model/index.ts';
import { type Answer, fakeImage, serveImage } from '../support/fake-registry.ts';

const image = fakeImage([Buffer.from('a layer')]);
/** Serves one image, with the tag 1. */
export const serveOneImage: Answer = serveImage({ documents: { '1': image.manifest }, blobs: image.blobs });

export function sourceFor(name: string, options: Partial<RegistrySourceOptions> = {}): RegistrySource {
  const source = createRegistrySource({
    reference: parseImageReference(name),
    platform: { os: 'linux', architecture: 'amd64' },
    credentials: () => Promise.resolve(undefined),
    emit: () => undefined,
    userAgent: 'slipway-test/1',
    ...options,
  });
  after(() => source.close());
  return source;
}
