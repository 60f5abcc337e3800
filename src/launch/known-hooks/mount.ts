// SPDX-License-Identifier: Apache-2.0
// The mount hook as a part of a plan.
import { parseLdCache } from '../../formats/ld-cache/index.ts';
import {
  findProviderDirectory,
  noRules,
  parseDeviceValue,
  parseMountValue,
  readHookWords,
  withProviderDirectory,
} from '../../formats/sarus-mount/index.ts';
import type { LibraryTree } from '../../host/index.ts';
import { type Adaptation, type MountRequest, SlipwayError } from '../../model/index.ts';
import type { HookContext, HookEffects, HookSettings } from './settings.ts';

/** @throws SlipwayError `mount-value`, `device-value`, `hook-arguments` */
export function mountEffects(settings: HookSettings, context: HookContext): HookEffects {
  const { image, inputs, variable } = context;
  const words = readHookWords(settings.words);
  if (!words.ok) throw new SlipwayError('hook-arguments', { reason: `${words.reason} (in ${settings.subject})` });
  const hasLdconfig = (settings.value('LDCONFIG_PATH') ?? '') !== '';
  let known: string | undefined;
  const providers = (): string =>
    (known ??= findProviderDirectory({
      variable: variable('FI_PROVIDER_PATH'),
      cached: hasLdconfig ? cachedPaths(image) : undefined,
      isThere: (path) => image.kindOf(path) !== undefined,
    }));
  const mounts = words.words.mounts.map((value): Adaptation => {
    const expand = (text: string): string => withProviderDirectory(text, providers);
    const result = parseMountValue(value, { rules: noRules, expand });
    if (!result.ok)
      throw new SlipwayError('mount-value', { value, reason: `${result.reason} (in ${settings.subject})` });
    const { source, target, isReadOnly } = result.mount;
    const flags = { recursive: true, nosuid: true, ...(isReadOnly ? { readOnly: true } : {}) };
    return one(settings.origin(`--mount=${value}`, value), { kind: 'bind', source, target, flags });
  });
  const devices = words.words.devices.map((value): Adaptation => {
    const result = parseDeviceValue(value);
    if (!result.ok)
      throw new SlipwayError('device-value', { value, reason: `${result.reason} (in ${settings.subject})` });
    const { source, target } = result.device;
    if (inputs.kindOf(source) !== 'other') {
      throw new SlipwayError('device-value', { value, reason: `${source} is no device here (in ${settings.subject})` });
    }
    return one(settings.origin(`--device=${value}`, value), {
      kind: 'bind',
      source,
      target,
      flags: { recursive: true, nosuid: true },
    });
  });
  return { adaptations: [...mounts, ...devices], needsLibraryCache: hasLdconfig };
}

/** All that is in the image's cache of libraries, in order. */
function cachedPaths(image: LibraryTree): readonly string[] | undefined {
  const file = image.openFile('/etc/ld.so.cache');
  if (file === undefined) return undefined;
  try {
    return parseLdCache(file.read(0, Math.min(file.sizeBytes, 16 << 20)))?.map(({ path }) => path);
  } finally {
    file.close();
  }
}

function one(origin: string, mount: MountRequest): Adaptation {
  return { origin, mounts: [mount], environment: [] };
}
