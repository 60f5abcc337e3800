// SPDX-License-Identifier: Apache-2.0
// What is to be wrapped, and how: read out of the merged configuration (configuration.ts), whose keys are those of
// Tykky's configuration files, and which is kept in the installation as share/conf.yaml for its next update.
import { SlipwayError } from '../model/index.ts';

/** `venv`: pip. `wrapcont`, `wrapdisk`: a container, a directory. */
export type WrapMode = 'conda' | 'venv' | 'wrapcont' | 'wrapdisk';
export const wrapModes: readonly ['conda', 'venv', 'wrapcont', 'wrapdisk'] = ['conda', 'venv', 'wrapcont', 'wrapdisk'];

/** A file whose text, or words that, a shell sources. */
export type Script = { readonly file: string } | { readonly command: string };

export type ExtraEnvironment =
  | { readonly file: string }
  | { readonly type: 'set' | 'append' | 'prepend'; readonly name: string; readonly value: string };

/** Values as YAML and JSON have them. */
export type ConfigurationValue =
  | string
  | number
  | boolean
  | null
  | readonly ConfigurationValue[]
  | { readonly [key: string]: ConfigurationValue };
export type Configuration = Readonly<Record<string, ConfigurationValue>>;

export type WrapSettings = {
  readonly mode: WrapMode;
  /** What conda calls the environment. */
  readonly envName: string;
  readonly isUpdate: boolean;
  /** Absolute. */
  readonly prefix: string;
  readonly buildBase: string;
  readonly workdir: string;
  readonly envFile: string | undefined;
  readonly requirementsFile: string | undefined;
  /** The directory or container that is wrapped. */
  readonly source: string | undefined;
  /** The image in which all runs; 'auto': one that is like the machine; undefined: the machine itself. */
  readonly container: string | undefined;
  /** What is known of it since the installation was made, for its update. */
  readonly keptContainer: { readonly environment: readonly string[]; readonly identity: string | undefined };
  readonly sharesContainer: boolean;
  readonly mountPoints: readonly string[];
  /** Directories of the machine that programs are not to see. */
  readonly hiddenDirectories: readonly string[];
  readonly wrapperPaths: readonly string[];
  readonly createsWrappers: boolean;
  readonly wrapsAll: boolean;
  readonly addsLibraryPaths: boolean;
  readonly libraryPaths: readonly string[];
  readonly preInstall: readonly Script[];
  readonly postInstall: readonly Script[];
  readonly environment: readonly ExtraEnvironment[];
  /** Words of the conda program, or '': the first that is found. */
  readonly conda: string;
  /** Where an installer is to be got, by URL or path; '': nowhere. */
  readonly condaUrl: string;
  /** The SHA-256 that it must have, in lower case; '': any. */
  readonly condaDigest: string;
  readonly usesMamba: boolean;
  readonly usesUv: boolean;
  readonly usesCache: boolean;
  readonly usesSystemPackages: boolean;
  readonly python: string | undefined;
  readonly imageName: string;
  readonly containerName: string;
  readonly imageOptions: readonly string[];
  readonly threads: number;
  readonly masksSource: boolean;
  /** Requirements that are a record's: nothing but these, with these digests; a second file for those without. */
  readonly isLocked: boolean;
  readonly plainRequirementsFile: string | undefined;
  readonly lingerMs: number;
  readonly configuration: Configuration;
};

/** Reads settings. @throws SlipwayError `wrap-configuration-invalid` */
export function readSettings(configuration: Configuration): WrapSettings {
  const text = (key: string): string | undefined => {
    const value = configuration[key];
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value === 'object') throw invalid(key, 'it must be one value');
    return String(value);
  };
  const flag = (key: string, fallback: boolean): boolean => {
    const value = text(key);
    if (value === undefined) return fallback;
    if (/^(?:yes|true|on|1)$/i.test(value)) return true;
    if (/^(?:no|false|off|0|none)$/i.test(value)) return false;
    throw invalid(key, `"${value}" is neither yes nor no`);
  };
  const count = (key: string, fallback: number): number => {
    const value = Number(text(key) ?? fallback);
    if (!Number.isSafeInteger(value) || value < 0) throw invalid(key, 'it must be a whole number');
    return value;
  };
  const list = (key: string): readonly string[] => {
    const value = configuration[key];
    if (value === undefined || value === null || value === '') return [];
    if (!Array.isArray(value)) return [String(text(key))];
    return value.map((item: ConfigurationValue) => {
      if (item === null || typeof item === 'object') throw invalid(key, 'each item must be one value');
      return String(item);
    });
  };
  const mode = wrapModes.find((name) => name === (modeNames[text('mode') ?? ''] ?? text('mode')));
  const prefix = text('installation_prefix');
  if (mode === undefined) throw invalid('mode', `it must be one of ${wrapModes.join(', ')}`);
  if (prefix === undefined || !prefix.startsWith('/')) {
    throw invalid('installation_prefix', 'it must be an absolute path');
  }
  const isContained = flag('isolate', false);
  return {
    mode,
    envName: text('env_name') ?? 'env1',
    isUpdate: flag('update_installation', false),
    prefix: prefix.length > 1 ? prefix.replace(/\/+$/, '') : prefix,
    buildBase: text('build_tmpdir_base') ?? '/tmp',
    workdir: text('workdir') ?? '/',
    envFile: text('env_file'),
    requirementsFile: text('requirements_file'),
    source: text('wrap_src'),
    container: isContained && mode !== 'wrapcont' ? (text('container_src') ?? 'auto') : undefined,
    keptContainer: { environment: list('container_environment'), identity: text('container_identity') },
    sharesContainer: flag('share_container', false),
    mountPoints: list('mount_points'),
    hiddenDirectories: list('excluded_mount_points'),
    wrapperPaths: list('wrapper_paths'),
    createsWrappers: flag('create_wrappers', true),
    wrapsAll: flag('wrap_all', false),
    addsLibraryPaths: flag('add_ld', true),
    libraryPaths: list('wrapper_ld_library_paths'),
    preInstall: scripts(configuration, 'pre_install'),
    postInstall: scripts(configuration, 'post_install'),
    environment: extraEnvironments(configuration),
    conda: text('conda_command') ?? '',
    condaUrl: text('conda_url') ?? '',
    condaDigest: digest('conda_sha256', text('conda_sha256') ?? ''),
    usesMamba: flag('mamba', false),
    usesUv: flag('use_uv', false),
    usesCache: flag('pipcache', true),
    usesSystemPackages: flag('enable_site_packages', false),
    python: text('pyver'),
    imageName: fileName('sqfs_image', text('sqfs_image') ?? 'img.sqfs'),
    containerName: fileName('container_image', text('container_image') ?? 'container.sif'),
    imageOptions: list('sqfs_options').flatMap((words) => words.split(/\s+/).filter((word) => word !== '')),
    threads: Math.max(1, Math.min(count('num_cpus', 8), count('max_num_cpus', 16))),
    masksSource: flag('mask_wrap_install', false),
    isLocked: flag('locked', false),
    plainRequirementsFile: text('plain_requirements_file'),
    lingerMs: count('linger_seconds', 5) * 1000,
    configuration,
  };
}

/** What older versions of Tykky call the modes. */
const modeNames: Readonly<Record<string, WrapMode>> = {
  'conda_modify': 'conda',
  'venv_modify': 'venv',
  'singcont': 'wrapcont',
  'wrap-container': 'wrapcont',
  'wrap-install': 'wrapdisk',
};

function digest(key: string, given: string): string {
  const value = given.toLowerCase().replace(/^sha256:/, '');
  if (value !== '' && !/^[0-9a-f]{64}$/.test(value)) throw invalid(key, 'it must be 64 digits of a SHA-256');
  return value;
}

function fileName(key: string, name: string): string {
  if (name.includes('/') || name.startsWith('.')) throw invalid(key, 'it must be the name of a file');
  return name;
}

function items(configuration: Configuration, key: string): readonly ConfigurationValue[] {
  const value = configuration[key];
  if (value === undefined || value === null || value === '') return [];
  return Array.isArray(value) ? (value as readonly ConfigurationValue[]) : [value];
}

function scripts(configuration: Configuration, key: string): readonly Script[] {
  return items(configuration, key).map((item) => {
    if (typeof item === 'string') return { command: item };
    const file = fieldOf(item, 'file');
    if (file === undefined) throw invalid(key, 'each item must be a command, or name a file');
    return { file };
  });
}

function extraEnvironments(configuration: Configuration): readonly ExtraEnvironment[] {
  return items(configuration, 'extra_envs').map((item) => {
    const file = fieldOf(item, 'file');
    if (file !== undefined) return { file };
    const type = fieldOf(item, 'type');
    const name = fieldOf(item, 'name');
    const value = fieldOf(item, 'value');
    if (name === undefined || value === undefined || (type !== 'set' && type !== 'append' && type !== 'prepend')) {
      throw invalid(
        'extra_envs',
        'each item must name a file, or have a name, a value, and a type: set, append or prepend',
      );
    }
    return { type, name, value };
  });
}

function fieldOf(item: ConfigurationValue, key: string): string | undefined {
  if (item === null || typeof item !== 'object' || Array.isArray(item)) return undefined;
  const value = (item as Configuration)[key];
  return value === undefined || value === null || typeof value === 'object' ? undefined : String(value);
}

function invalid(key: string, reason: string): SlipwayError {
  return new SlipwayError('wrap-configuration-invalid', { key, reason });
}
