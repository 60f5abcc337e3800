// SPDX-License-Identifier: Apache-2.0
//     HOST | HOST:CONTAINER | HOST:ACCESS | HOST:CONTAINER:ACCESS
// Whether there is such a device is not this parser's business.
import type { DeviceAccess } from '../../model/index.ts';

export type DeviceValue = { readonly source: string; readonly target: string; readonly access: DeviceAccess };

export type DeviceResult =
  | { readonly ok: true; readonly device: DeviceValue }
  | { readonly ok: false; readonly reason: string };

const allAccess: DeviceAccess = { read: true, write: true, make: true };

export function parseDeviceValue(value: string): DeviceResult {
  const fail = (reason: string): DeviceResult => ({ ok: false, reason });
  if (value === '') return fail('it is empty');
  if (value.includes('\0')) return fail('it holds a NUL');
  const fields = value.split(':');
  if (fields.length > 3) return fail('it has more than three fields');
  const [source = '', second, third] = fields;
  // Of two fields, the second is a path where it begins like one.
  const target = third !== undefined || second?.startsWith('/') === true ? second : undefined;
  const letters = third ?? (target === undefined ? second : undefined);
  if (source === '') return fail('the path on the host is empty');
  if (!source.startsWith('/')) return fail(`the path on the host "${source}" is not absolute`);
  if (target === '') return fail('the path in the container is empty');
  if (target !== undefined && !target.startsWith('/')) {
    return fail(`the path in the container "${target}" is not absolute`);
  }
  const access = letters === undefined ? allAccess : parseAccess(letters);
  if (typeof access === 'string') return fail(access);
  return { ok: true, device: { source, target: target ?? source, access } };
}

/** One to three of `r`, `w` and `m`, each once; otherwise what is wrong with them. */
export function parseAccess(letters: string): DeviceAccess | string {
  if (letters === '') return 'the access is empty';
  if (letters.length > 3) return `the access "${letters}" has more than three letters`;
  if (new Set(letters).size < letters.length) return `the access "${letters}" repeats a letter`;
  if (/[^rwm]/.test(letters)) return `the access "${letters}" has a letter other than r, w and m`;
  return { read: letters.includes('r'), write: letters.includes('w'), make: letters.includes('m') };
}

/** In the usual order: `rwm`. */
export function formatAccess(access: DeviceAccess): string {
  return `${access.read ? 'r' : ''}${access.write ? 'w' : ''}${access.make ? 'm' : ''}`;
}
