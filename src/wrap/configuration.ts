// SPDX-License-Identifier: Apache-2.0
// Configuration as Tykky has it: a site's file of four maps (defaults, force, appends, prepends), and what was asked for.
import { join } from 'node:path';
import { parse } from 'yaml';
import { describeError, SlipwayError } from '../model/index.ts';
import { readFileIfPresent } from '../sys/files.ts';
import { expandBuildBase } from './build-directory.ts';
import { isOurs } from './installation.ts';
import type { Configuration, ConfigurationValue } from './settings.ts';

export type SiteConfiguration = {
  readonly defaults: Configuration;
  readonly force: Configuration;
  readonly appends: Configuration;
  readonly prepends: Configuration;
};

const maxBytes = 1 << 20;

/** What holds where a site says nothing. */
const ownDefaults: Configuration = {
  log_level: 2,
  env_name: 'env1',
  installation_prefix: '$PWD',
  container_src: 'auto',
  container_image: 'container.sif',
  sqfs_image: 'img.sqfs',
  isolate: 'no',
  create_wrappers: 'yes',
  wrap_all: 'no',
  add_ld: 'yes',
  num_cpus: 8,
  max_num_cpus: 16,
  workdir: '$PWD',
};

/** Where a site's configuration is, unless CW_GLOBAL_YAML says so. */
const siteConfigurationPath = '/etc/slipway/tykky.yaml';

/** Reads a file of YAML that must hold a map. @throws SlipwayError `wrap-configuration-unreadable` */
export async function readConfigurationFile(path: string, isNeeded: boolean): Promise<Configuration> {
  const bytes = await readFileIfPresent(path, { maxBytes });
  if (bytes === undefined) {
    if (!isNeeded) return {};
    throw new SlipwayError('wrap-configuration-unreadable', { path, reason: 'no such file' });
  }
  return parseConfiguration(bytes.toString(), path);
}

/** @throws SlipwayError `wrap-configuration-unreadable` */
export function parseConfiguration(text: string, path: string): Configuration {
  let value: unknown;
  try {
    // Aliases are how a small file becomes a large value.
    value = parse(text, { maxAliasCount: 100, logLevel: 'error' });
  } catch (cause) {
    throw new SlipwayError('wrap-configuration-unreadable', { path, reason: describeError(cause) }, { cause });
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new SlipwayError('wrap-configuration-unreadable', { path, reason: 'it is no map of names to values' });
  }
  return value as Configuration;
}

/** The site's configuration. @throws SlipwayError `wrap-configuration-unreadable` */
export async function readSiteConfiguration(
  variables: Readonly<Record<string, string | undefined>>,
): Promise<SiteConfiguration> {
  const named = variables['CW_GLOBAL_YAML'] ?? '';
  const path = named === '' ? siteConfigurationPath : named;
  const file = await readConfigurationFile(path, named !== '');
  const map = (key: string): Configuration => {
    const value = file[key];
    if (value === undefined || value === null) return {};
    if (typeof value !== 'object' || Array.isArray(value)) {
      throw new SlipwayError('wrap-configuration-unreadable', { path, reason: `${key} is no map` });
    }
    return value as Configuration;
  };
  return {
    defaults: { ...ownDefaults, ...map('defaults') },
    force: map('force'),
    appends: map('appends'),
    prepends: map('prepends'),
  };
}

/** What was asked for, joined with what the site wants: its lists before and behind, and its last word. */
export function mergeConfiguration(site: SiteConfiguration, asked: Configuration): Configuration {
  const merged: Record<string, ConfigurationValue> = { ...site.defaults, ...asked };
  for (const [key, value] of Object.entries(site.prepends)) merged[key] = joinLists(value, merged[key]);
  for (const [key, value] of Object.entries(site.appends)) merged[key] = joinLists(merged[key], value);
  return { ...merged, ...site.force };
}

function joinLists(first: ConfigurationValue | undefined, second: ConfigurationValue | undefined): ConfigurationValue {
  const list = (value: ConfigurationValue | undefined): readonly ConfigurationValue[] => {
    if (value === undefined || value === null) return [];
    return Array.isArray(value) ? (value as readonly ConfigurationValue[]) : [value];
  };
  return [...list(first), ...list(second)];
}

/** Keys whose `$NAME` a script or the program is to see. */
const unexpanded = new Set(['pre_install', 'post_install', 'extra_envs']);

/**
 * Puts in variables: those of the environment replace `$NAME`; one that is not set stays as it is, but in the build
 * directory's path, where it becomes nothing. The build directory is `CW_BUILD_TMPDIR`, else the configuration's, else
 * `TMPDIR` or /tmp: on local disk, since it holds all the small files.
 * @throws SlipwayError `wrap-build-directory`
 */
export function expandConfiguration(
  configuration: Configuration,
  given: {
    readonly variables: Readonly<Record<string, string | undefined>>;
    readonly workingDirectory: string;
  },
): Configuration {
  const variables = { ...given.variables, PWD: given.workingDirectory };
  const named = [given.variables['CW_BUILD_TMPDIR'], configuration['build_tmpdir_base'], given.variables['TMPDIR']];
  const chosen = named.find((base) => typeof base === 'string' && base !== '');
  const expand = (value: ConfigurationValue): ConfigurationValue => {
    if (typeof value === 'string') return expandText(value, variables);
    return Array.isArray(value) ? value.map((item: ConfigurationValue) => expand(item)) : value;
  };
  const expanded = Object.entries(configuration).map(([key, value]) => [
    key,
    unexpanded.has(key) ? value : expand(value),
  ]);
  return {
    ...Object.fromEntries(expanded),
    build_tmpdir_base: expandBuildBase(typeof chosen === 'string' ? chosen : '/tmp', variables),
  };
}

function expandText(text: string, variables: Readonly<Record<string, string | undefined>>): string {
  return text.replaceAll(
    /\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))/g,
    (whole: string, braced: string | undefined, plain: string | undefined) => variables[braced ?? plain ?? ''] ?? whole,
  );
}

const notKept = new Set([
  'env_file',
  'requirements_file',
  'plain_requirements_file',
  'locked',
  'pre_install',
  'post_install',
  'build_tmpdir_base',
  'workdir',
]);

/**
 * How an installation was made, for its update: all but what was put in then.
 * @throws SlipwayError `wrap-no-installation`, `wrap-configuration-unreadable`
 */
export async function readKeptConfiguration(prefix: string): Promise<Configuration> {
  const path = join(prefix, 'share/conf.yaml');
  const bytes = await readFileIfPresent(path, { maxBytes });
  if (bytes === undefined) throw new SlipwayError('wrap-no-installation', { path: prefix });
  if (!isOurs(prefix)) throw new SlipwayError('wrap-made-by-tykky', { path: prefix });
  const kept = Object.entries(parseConfiguration(bytes.toString(), path)).filter(([key]) => !notKept.has(key));
  return { ...Object.fromEntries(kept), installation_prefix: prefix };
}
