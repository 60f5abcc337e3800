// SPDX-License-Identifier: Apache-2.0
import { after } from 'node:test';
import { parseImageReference } from '../../../model/index.ts';
import { createRegistrySource, type RegistrySource, type RegistrySourceOptions } from '../index.ts';

/** `NAME` of a registry without TLS, for amd64 and by anybody, unless `options` say otherwise; it is closed with the test file. */
export function openTestSource(name: string, options: Partial<RegistrySourceOptions> = {}): RegistrySource {
  const source = createRegistrySource({
    reference: parseImageReference(name),
    platform: { os: 'linux', architecture: 'amd64' },
    credentials: () => Promise.resolve(undefined),
    plainHttp: true,
    emit: () => undefined,
    userAgent: 'slipway-test/1',
    ...options,
  });
  after(() => source.close());
  return source;
}
