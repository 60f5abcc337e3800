// SPDX-License-Identifier: Apache-2.0
// The glibc hook: the host's C library in the place of an older one.
import { findGlibcReplacement, machineTree } from '../../host/index.ts';
import { SlipwayError } from '../../model/index.ts';
import { bind, type HookContext, type HookEffects, type HookSettings, nothing, pathsIn } from './settings.ts';

/** @throws SlipwayError `hook-setting` */
export function glibcEffects(settings: HookSettings, { image, inputs, say }: HookContext): HookEffects {
  const libraries = pathsIn(settings, 'GLIBC_LIBS');
  const result = findGlibcReplacement(image, machineTree(inputs), libraries);
  if (result.is === 'needless') return nothing;
  if (result.is === 'impossible')
    throw new SlipwayError('hook-setting', { hook: settings.subject, reason: result.reason });
  say(`the image's glibc ${result.imageVersion} is replaced by the host's ${result.hostVersion}`, 4);
  const mounts = result.mounts.map(({ source, target }) => bind(source, target));
  return {
    adaptations: [{ origin: settings.origin('GLIBC_LIBS'), mounts, environment: [] }],
    needsLibraryCache: true,
  };
}
