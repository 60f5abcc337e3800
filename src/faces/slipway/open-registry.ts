// SPDX-License-Identifier: Apache-2.0
import {
  createCredentialLookup,
  createRegistrySource,
  type RegistrySource,
  type RegistrySourceOptions,
} from '../../image/index.ts';
import type { ImageReference } from '../../model/index.ts';
import type { RegistryAccess } from '../../site/index.ts';
import { build } from '../terminal/build.ts';
import type { FaceEnvironment } from '../terminal/environment.ts';

export type RegistryOpening = Pick<
  RegistrySourceOptions,
  'platform' | 'plainHttp' | 'foreignLayers' | 'emit' | 'limits'
> & {
  readonly environment: FaceEnvironment;
  readonly access: RegistryAccess;
};

/** An image in a registry, reached as this machine's settings and the caller's environment have it. */
export function openRegistry(reference: ImageReference, opening: RegistryOpening): RegistrySource {
  const { environment, access, platform, plainHttp, foreignLayers, emit, limits } = opening;
  return createRegistrySource({
    reference,
    platform,
    emit,
    ...access,
    credentials: createCredentialLookup({
      environment: environment.variables,
      home: environment.variables['HOME'] ?? '/',
      helpers: access.rules.credentialHelpers,
    }),
    ...(plainHttp === undefined ? {} : { plainHttp }),
    ...(foreignLayers === undefined ? {} : { foreignLayers }),
    ...(limits === undefined ? {} : { limits }),
    userAgent: `slipway/${build.version}`,
    clock: environment.clock,
  });
}
