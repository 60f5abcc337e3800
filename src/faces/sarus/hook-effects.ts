// SPDX-License-Identifier: Apache-2.0
// The hooks that come with Sarus, by what they do to a container: no process is started for them. Any other is run.
import { posix } from 'node:path';
import { parseLdCache } from '../../formats/ld-cache/index.ts';
import {
  findProviderDirectory,
  noRules,
  parseDeviceValue,
  parseMountValue,
  readHookWords,
  withProviderDirectory,
} from '../../formats/sarus-mount/index.ts';
import {
  findGlibcReplacement,
  type LibraryTree,
  machineTree,
  type MpiCompatibility,
  planMpiReplacement,
} from '../../host/index.ts';
import type { OpenedImage } from '../../launch/index.ts';
import { type Adaptation, type MountRequest, SlipwayError } from '../../model/index.ts';
import { type HookFile, lineOf } from '../../site/index.ts';
import type { Inputs } from '../../sys/inputs.ts';

export type HookContext = {
  readonly image: OpenedImage;
  readonly inputs: Inputs;
  /** A variable of the container as the image, the site and the person set it. */
  readonly variable: (name: string) => string | undefined;
  /** Told to the person, once. */
  readonly say: (text: string) => void;
};

export type HookEffects = {
  readonly adaptations: readonly Adaptation[];
  /** Whether the image's cache of libraries is to know of what was mounted. */
  readonly needsLibraryCache: boolean;
};

const nothing: HookEffects = { adaptations: [], needsLibraryCache: false };

/** @throws SlipwayError `mount-value`, `device-value`, `hook-arguments`, `hook-setting` */
export function effectsOf(file: HookFile, context: HookContext): HookEffects {
  switch (posix.basename(file.hook.path)) {
    case 'mount_hook':
      return mountEffects(file, context);
    case 'mpi_hook':
      return mpiEffects(file, context);
    case 'glibc_hook':
      return glibcEffects(file, context);
    case 'amdgpu_hook':
      return amdEffects(file, context);
    default:
      return externalEffects(file);
  }
}

/** A program of the site's: run at each of its stages, with the environment of its file and no other. */
function externalEffects(file: HookFile): HookEffects {
  const { env = [], ...hook } = file.hook;
  const hooks = file.stages.map((stage) => ({ ...hook, env, stage }));
  return {
    adaptations: [{ origin: originOf(file, file.hook.path), mounts: [], environment: [], hooks }],
    needsLibraryCache: false,
  };
}

function mountEffects(file: HookFile, context: HookContext): HookEffects {
  const { image, inputs, variable } = context;
  const words = readHookWords(file.hook.args.slice(1));
  if (!words.ok) throw new SlipwayError('hook-arguments', { reason: `${words.reason} (in ${file.file})` });
  const hasLdconfig = (settingOf(file, 'LDCONFIG_PATH') ?? '') !== '';
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
    if (!result.ok) throw new SlipwayError('mount-value', { value, reason: `${result.reason} (in ${file.file})` });
    const { source, target, isReadOnly } = result.mount;
    const flags = { recursive: true, nosuid: true, ...(isReadOnly ? { readOnly: true } : {}) };
    return one(originOf(file, `--mount=${value}`, value), { kind: 'bind', source, target, flags });
  });
  const devices = words.words.devices.map((value): Adaptation => {
    const result = parseDeviceValue(value);
    if (!result.ok) throw new SlipwayError('device-value', { value, reason: `${result.reason} (in ${file.file})` });
    const { source, target } = result.device;
    if (inputs.kindOf(source) !== 'other') {
      throw new SlipwayError('device-value', { value, reason: `${source} is no device here (in ${file.file})` });
    }
    return one(originOf(file, `--device=${value}`, value), {
      kind: 'bind',
      source,
      target,
      flags: { recursive: true, nosuid: true },
    });
  });
  return { adaptations: [...mounts, ...devices], needsLibraryCache: hasLdconfig };
}

function mpiEffects(file: HookFile, { image, inputs, say }: HookContext): HookEffects {
  const origin = originOf(file, 'MPI_LIBS');
  const list = (name: string): readonly string[] =>
    (settingOf(file, name) ?? '').split(':').filter((path) => path !== '');
  const libraries = list('MPI_LIBS');
  if (libraries.length === 0)
    throw new SlipwayError('hook-setting', { hook: file.file, reason: 'MPI_LIBS is missing' });
  const result = planMpiReplacement(image, machineTree(inputs), {
    libraries,
    dependencies: list('MPI_DEPENDENCY_LIBS'),
    compatibility: compatibilityOf(settingOf(file, 'MPI_COMPATIBILITY_TYPE')),
  });
  if (!result.ok) throw new SlipwayError('hook-setting', { hook: file.file, reason: result.reason });
  for (const { host, note, isDependency } of result.pairs) {
    if (note !== undefined && !isDependency) say(`${posix.basename(host)}: ${note}`);
  }
  const mounts = result.pairs.flatMap(({ host, targets }) => targets.map((target) => bind(host, target)));
  return {
    adaptations: [
      { origin, mounts, environment: [] },
      {
        origin: originOf(file, 'BIND_MOUNTS'),
        mounts: list('BIND_MOUNTS').map((path) => bind(path, path)),
        environment: [],
      },
    ],
    needsLibraryCache: true,
  };
}

function glibcEffects(file: HookFile, { image, inputs, say }: HookContext): HookEffects {
  const libraries = (settingOf(file, 'GLIBC_LIBS') ?? '').split(':').filter((path) => path !== '');
  const result = findGlibcReplacement(image, machineTree(inputs), libraries);
  if (result.is === 'needless') return nothing;
  if (result.is === 'impossible') throw new SlipwayError('hook-setting', { hook: file.file, reason: result.reason });
  say(`the image's glibc ${result.imageVersion} is replaced by the host's ${result.hostVersion}`);
  const mounts = result.mounts.map(({ source, target }) => bind(source, target));
  return {
    adaptations: [{ origin: originOf(file, 'GLIBC_LIBS'), mounts, environment: [] }],
    needsLibraryCache: true,
  };
}

/** /dev/kfd, and the card and render node of each processor that ROCR_VISIBLE_DEVICES names; all where it names none. */
function amdEffects(file: HookFile, { inputs, variable }: HookContext): HookEffects {
  if (inputs.kindOf('/dev/kfd') === undefined) return nothing;
  const names = inputs.listDirectory('/dev/dri') ?? [];
  const renders = names.filter((name) => name.startsWith('renderD'));
  const cards = names.filter((name) => name.startsWith('card'));
  const wanted = (variable('ROCR_VISIBLE_DEVICES') ?? '').split(',').filter((each) => /^\d+$/.test(each));
  const isWanted = (_: string, index: number): boolean => wanted.length === 0 || wanted.includes(String(index));
  const paths = [...cards.filter(isWanted), ...renders.filter(isWanted)].map((name) => `/dev/dri/${name}`);
  const mounts = ['/dev/kfd', ...paths].map((path) => bind(path, path));
  return { adaptations: [{ origin: originOf(file, 'amdgpu'), mounts, environment: [] }], needsLibraryCache: false };
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

function compatibilityOf(text: string | undefined): MpiCompatibility {
  return text === 'full' || text === 'strict' ? text : 'major';
}

/** A variable of the hook's own environment. */
function settingOf(file: HookFile, name: string): string | undefined {
  return file.hook.env?.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
}

function originOf(file: HookFile, what: string, value = what): string {
  const line = [`--mount=${value}`, `--device=${value}`, value]
    .map((text) => lineOf(file.text, text))
    .find((each) => each > 1);
  return `${file.file}:${line ?? lineContaining(file.text, what)}`;
}

function lineContaining(text: string, part: string): number {
  const at = text.indexOf(part);
  return at < 0 ? 1 : text.slice(0, at).split('\n').length;
}

function bind(source: string, target: string): MountRequest {
  return { kind: 'bind', source, target, flags: { recursive: true, nosuid: true } };
}

function one(origin: string, mount: MountRequest): Adaptation {
  return { origin, mounts: [mount], environment: [] };
}
