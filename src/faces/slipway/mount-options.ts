// SPDX-License-Identifier: Apache-2.0
// The two ways in which people write mounts: `-v SRC[:DST[:OPTION,…]]` and `--mount KEY=VALUE,…`.
import type { MountFlags, MountRequest } from '../../model/index.ts';
import { parseSize } from './sizes.ts';

/** A mount, or why the text is none. */
export type MountResult =
  | { readonly ok: true; readonly mount: MountRequest }
  | { readonly ok: false; readonly reason: string };

type MakeAbsolute = (path: string) => string;

const bindFlags: Readonly<Record<string, MountFlags>> = {
  ro: { readOnly: true },
  readonly: { readOnly: true },
  rw: {},
  nosuid: { nosuid: true },
  nodev: { nodev: true },
  noexec: { noexec: true },
};

/** @example parseVolume('/data:/mnt:ro', path.resolve) */
export function parseVolume(text: string, absolute: MakeAbsolute): MountResult {
  const [source = '', target = source, options = '', ...more] = text.split(':');
  if (more.length > 0) return fail('it has more than three parts; use --mount for paths with a colon');
  if (source === '') return fail('the source is empty');
  let flags: MountFlags = { recursive: true };
  for (const word of options === '' ? [] : options.split(',')) {
    const added = Object.hasOwn(bindFlags, word) ? bindFlags[word] : undefined;
    if (added === undefined) return fail(`"${word}" is none of ${Object.keys(bindFlags).join(', ')}`);
    flags = { ...flags, ...added };
  }
  return bind(absolute(source), text.includes(':') ? target : absolute(source), flags);
}

/**
 * A device file by its path. Who may use it is for the kernel to say: its own mode and groups hold in a container too.
 * @example parseDevice('/dev/fuse', path.resolve)
 */
export function parseDevice(text: string, absolute: MakeAbsolute): MountResult {
  const [source = '', target = source, ...more] = text.split(':');
  if (more.length > 0) return fail('it is neither vendor.com/class=name nor SRC[:DST]');
  if (!source.startsWith('/')) return fail('it is neither vendor.com/class=name nor an absolute path');
  return bind(absolute(source), target, {});
}

/** @example parseMount('type=bind,source=/data,target=/mnt,readonly', path.resolve) */
export function parseMount(text: string, absolute: MakeAbsolute): MountResult {
  const fields = new Map<string, string>();
  for (const word of text.split(',')) {
    const equals = word.indexOf('=');
    const key = equals < 0 ? word : word.slice(0, equals);
    const name = synonyms[key] ?? key;
    if (fields.has(name)) return fail(`"${key}" is given twice`);
    fields.set(name, equals < 0 ? 'true' : word.slice(equals + 1));
  }
  const type = fields.get('type') ?? 'bind';
  const known = Object.hasOwn(keysOf, type) ? keysOf[type] : undefined;
  if (known === undefined) return fail(`type "${type}" is neither bind nor tmpfs`);
  for (const name of fields.keys()) {
    if (!known.includes(name)) return fail(`"${name}" is no key of type=${type} (${known.join(', ')})`);
  }
  const target = fields.get('target') ?? '';
  if (target === '') return fail('target= is missing');
  return type === 'bind' ? bindOf(fields, target, absolute) : tmpfsOf(fields, target);
}

const synonyms: Readonly<Record<string, string>> = {
  'src': 'source',
  'dst': 'target',
  'destination': 'target',
  'ro': 'readonly',
  'tmpfs-size': 'size',
  'tmpfs-mode': 'mode',
};

const keysOf: Readonly<Record<string, readonly string[]>> = {
  bind: ['type', 'source', 'target', 'readonly', 'nosuid', 'nodev', 'noexec', 'bind-recursive'],
  tmpfs: ['type', 'target', 'size', 'mode'],
};

function bindOf(fields: ReadonlyMap<string, string>, target: string, absolute: MakeAbsolute): MountResult {
  const source = fields.get('source') ?? '';
  if (source === '') return fail('source= is missing');
  const flags: Record<string, boolean> = {};
  for (const [key, flag] of [
    ['readonly', 'readOnly'],
    ['nosuid', 'nosuid'],
    ['nodev', 'nodev'],
    ['noexec', 'noexec'],
  ] as const) {
    const value = fields.get(key);
    if (value === undefined) continue;
    if (value !== 'true' && value !== 'false') return fail(`${key}= is true or false`);
    if (value === 'true') flags[flag] = true;
  }
  const recursion = fields.get('bind-recursive') ?? 'enabled';
  if (recursion !== 'enabled' && recursion !== 'disabled') return fail('bind-recursive= is enabled or disabled');
  return bind(absolute(source), target, { ...(recursion === 'enabled' ? { recursive: true } : {}), ...flags });
}

function tmpfsOf(fields: ReadonlyMap<string, string>, target: string): MountResult {
  const sizeBytes = fields.has('size') ? parseSize(fields.get('size') ?? '') : 0;
  if (sizeBytes === undefined) return fail('size= is a number with an optional K, M, G or T');
  const mode = fields.get('mode') ?? '1777';
  if (!/^[0-7]{1,4}$/.test(mode)) return fail('mode= is an octal number');
  const place = checkTarget(target);
  if (typeof place !== 'string') return place;
  const flags = { nosuid: true, nodev: true } as const;
  return {
    ok: true,
    mount: { kind: 'tmpfs', target: place, sizeBytes, mode: Number.parseInt(mode, 8), flags },
  };
}

function bind(source: string, target: string, flags: MountFlags): MountResult {
  const place = checkTarget(target);
  return typeof place === 'string' ? { ok: true, mount: { kind: 'bind', source, target: place, flags } } : place;
}

/** The target by its components, or what is wrong with it. */
function checkTarget(target: string): string | { readonly ok: false; readonly reason: string } {
  if (!target.startsWith('/')) return fail(`the target "${target}" is no absolute path`);
  const names = target.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..')) return fail(`the target "${target}" has a component ..`);
  return names.length === 0 ? fail('the target can’t be /') : `/${names.join('/')}`;
}

function fail(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}
