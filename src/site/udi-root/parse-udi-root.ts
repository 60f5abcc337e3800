// SPDX-License-Identifier: Apache-2.0
// The text of udiRoot.conf: `key = value` lines, comments that begin a line with #, lines continued by a backslash. A key
// that is not known is a fault, since what it was meant to forbid would otherwise be allowed.
import { deferredKeys, listKeys, requiredKeys, scalarKeys, toolKeys } from './keys.ts';
import type { Remark, ShifterModule, SiteEnvironment, UdiRoot, UdiRootReading } from './udi-root.ts';
import { parseBytes, parseSiteVolumes, type VolumeMap } from './volume-map.ts';

type Setting = { readonly key: string; readonly value: string; readonly line: number };

const maxGroupsUnlessGiven = 31;

/** Reads the text of a udiRoot.conf. Pure: whether paths exist, and who owns them, is another's business. */
export function parseUdiRoot(text: string): UdiRootReading {
  const faults: Remark[] = [];
  const notes: Remark[] = [];
  const scalars = new Map<string, Setting>();
  const lists = new Map<string, Setting[]>();
  const modules = new Map<string, Map<string, Setting>>();
  const fault = (line: number, reason: string): void => void faults.push({ line, text: reason });

  for (const setting of readSettings(text)) {
    const { key, line } = setting;
    if (key.startsWith('module_')) {
      const [, name = '', sub = ''] = key.split('_');
      if (name === '' || sub === '') fault(line, `${key}: a module's key is module_NAME_KEY, without _ in NAME`);
      else if (isModuleKey(sub)) modules.set(name, (modules.get(name) ?? new Map()).set(sub, setting));
      else notes.push({ line, text: `${key}: modules have no key ${sub}; it does nothing${meant(sub, moduleKeys)}` });
    } else if (listKeys.has(key)) lists.set(key, [...(lists.get(key) ?? []), setting]);
    else if (scalarKeys.has(key)) scalars.set(key, setting);
    else fault(line, `${key}: there is no such key${meant(key, [...scalarKeys, ...listKeys])}`);
    const note = deferredKeys.get(key);
    if (note !== undefined) notes.push({ line, text: `${key}: ${note}` });
  }

  const text1 = (key: string): string | undefined => scalars.get(key)?.value || undefined;
  const flag = (key: string): boolean => isSet(text1(key));
  const words = (key: string): readonly string[] => (lists.get(key) ?? []).flatMap(({ value }) => splitWords(value));
  const volumes = (settings: readonly Setting[]): readonly VolumeMap[] =>
    settings.flatMap(({ key, value, line }) => {
      const read = parseSiteVolumes(value);
      if (read.ok) return read.maps;
      fault(line, `${key}: ${read.fault.spec}: ${read.fault.reason}`);
      return [];
    });
  const number = (key: string, parse: (value: string) => number | undefined): number | undefined => {
    const setting = scalars.get(key);
    if (setting === undefined || setting.value === '') return undefined;
    const value = parse(setting.value);
    if (value === undefined) fault(setting.line, `${key}: "${setting.value}" is no number`);
    return value;
  };
  const environment = (prefix: string, of: (key: string) => readonly string[]): SiteEnvironment => ({
    set: of(`${prefix}siteEnv`),
    append: of(`${prefix}siteEnvAppend`),
    prepend: of(`${prefix}siteEnvPrepend`),
    unset: of(`${prefix}siteEnvUnset`),
  });

  for (const key of requiredKeys) if (text1(key) === undefined) fault(0, `${key} is required and missing`);
  const propagation = text1('mountPropagationStyle')?.toLowerCase() ?? 'private';
  if (propagation !== 'private' && propagation !== 'slave') {
    fault(
      scalars.get('mountPropagationStyle')?.line ?? 0,
      `mountPropagationStyle: "${propagation}" is not private or slave`,
    );
  }

  const read = new Map<string, ShifterModule>();
  for (const [name, settings] of modules) {
    const value = (key: string): string | undefined => settings.get(key)?.value || undefined;
    const fs = settings.get('siteFs');
    const [copyPath, rootHook, userHook] = [value('copyPath'), value('roothook'), value('userhook')];
    read.set(name, {
      name,
      environment: environment('', (key) => splitWords(value(key) ?? '')),
      siteFs: fs === undefined ? [] : volumes([fs]),
      conflicts: splitWords(value('conflict') ?? ''),
      isEnabled: isSet(value('enabled') ?? '1'),
      ...(copyPath === undefined ? {} : { copyPath }),
      ...(rootHook === undefined ? {} : { rootHook }),
      ...(userHook === undefined ? {} : { userHook }),
    });
  }
  for (const module of read.values()) {
    for (const other of module.conflicts) {
      if (!read.has(other)) {
        fault(
          modules.get(module.name)?.get('conflict')?.line ?? 0,
          `module ${module.name} conflicts with ${other}, which is no module`,
        );
      }
    }
  }

  const optional = <Key extends string>(key: Key): { readonly [key in Key]?: string } => {
    const value = text1(key);
    return (value === undefined ? {} : { [key]: value }) as { readonly [key in Key]?: string };
  };
  const gatewayTimeoutS = number('gatewayTimeout', parseCount);
  const perNodeCacheSizeLimitBytes = number('perNodeCacheSizeLimit', parseBytes);
  const udiRoot: UdiRoot = {
    system: text1('system') ?? '',
    imageGateways: words('imageGateway').map((url) => url.replace(/\/+$/, '')),
    ...(gatewayTimeoutS === undefined ? {} : { gatewayTimeoutS }),
    defaultImageType: text1('defaultImageType') ?? 'docker',
    imagePath: text1('imagePath') ?? '',
    udiRootPath: text1('udiRootPath') ?? '',
    udiMount: text1('udiMount') ?? '',
    loopMount: text1('loopMount') ?? '',
    etcPath: text1('etcPath') ?? '',
    ...optional('optUdiImage'),
    ...optional('sitePreMountHook'),
    ...optional('sitePostMountHook'),
    allowLocalChroot: flag('allowLocalChroot'),
    allowLibcPwdCalls: flag('allowLibcPwdCalls'),
    populateEtcDynamically: flag('populateEtcDynamically'),
    usersToImport: words('usersToImport'),
    maxGroupCount: number('maxGroupCount', parseCount) ?? maxGroupsUnlessGiven,
    mountUdiRootWritable: flag('mountUdiRootWritable'),
    mountPropagation: propagation === 'slave' ? 'slave' : 'private',
    ...optional('perNodeCachePath'),
    ...(perNodeCacheSizeLimitBytes === undefined ? {} : { perNodeCacheSizeLimitBytes }),
    perNodeCacheFsTypes: words('perNodeCacheAllowedFsType').map((name) => name.toLowerCase()),
    siteFs: volumes(lists.get('siteFs') ?? []),
    environment: environment('', words),
    ...optional('batchType'),
    defaultModules: splitModules(text1('defaultModules') ?? ''),
    modules: read,
    tools: new Map(
      toolKeys.flatMap((key) => {
        const value = text1(key);
        return value === undefined ? [] : [[key, value] as const];
      }),
    ),
  };
  return faults.length === 0 ? { udiRoot, faults, notes } : { faults, notes };
}

/** `a,b` as people give modules; `none`, however it is written, is no module at all. */
export function splitModules(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  return names.some((name) => name.toLowerCase() === 'none') ? [] : names.filter((name) => name !== '');
}

function readSettings(text: string): readonly Setting[] {
  const settings: Setting[] = [];
  let pieces: string[] = [];
  let first = 0;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    // Also between continued lines: there a comment does not end what was begun.
    if (line.startsWith('#')) continue;
    if (pieces.length === 0) first = index + 1;
    const isContinued = line.endsWith('\\');
    pieces.push(isContinued ? line.slice(0, -1).trim() : line);
    if (isContinued) continue;
    const whole = pieces.join(' ').trim();
    pieces = [];
    const equals = whole.indexOf('=');
    if (equals < 0) continue;
    settings.push({ key: whole.slice(0, equals).trim(), value: whole.slice(equals + 1).trim(), line: first });
  }
  return settings;
}

const moduleKeys = [
  'siteEnv',
  'siteEnvPrepend',
  'siteEnvAppend',
  'siteEnvUnset',
  'conflict',
  'siteFs',
  'copyPath',
  'roothook',
  'userhook',
  'enabled',
];

/** The key that is written so but for large and small letters. */
function meant(written: string, keys: readonly string[]): string {
  const key = keys.find((known) => known.toLowerCase() === written.toLowerCase());
  return key === undefined ? '' : ` (${key} is meant?)`;
}

function isModuleKey(name: string): boolean {
  return moduleKeys.includes(name);
}

/** A tab does not split, as in Shifter. */
function splitWords(value: string): readonly string[] {
  return value.split(' ').filter((word) => word !== '');
}

/** As strtol(3) reads it: a number that is not 0. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && (Number.parseInt(value, 10) || 0) !== 0;
}

function parseCount(value: string): number | undefined {
  return /^[0-9]{1,9}$/.test(value) ? Number(value) : undefined;
}
