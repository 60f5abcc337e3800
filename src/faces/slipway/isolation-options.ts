// SPDX-License-Identifier: Apache-2.0
// What the words after --private, --limit, --capabilities and their like mean. Each reader gives undefined for words
// that mean nothing; the caller says so.
import { type Isolation, limits } from '../../model/index.ts';
import { capabilityNumber } from '../../plan/index.ts';

export type PrivateThing = Isolation['namespaces'][number] | 'tmp';

const privateThings: readonly PrivateThing[] = ['tmp', 'pid', 'ipc', 'uts', 'net'];

/** `tmp,pid` */
export function parsePrivate(text: string): readonly PrivateThing[] | undefined {
  const things = text.split(',').map((word) => privateThings.find((thing) => thing === word));
  return things.every((thing) => thing !== undefined) ? things : undefined;
}

/** `nofile=1024`, `stack=8388608:unlimited`: soft and hard limit in the units of setrlimit(2). */
export function parseLimit(text: string): Isolation['limits'][number] | undefined {
  const [name, values = '', ...more] = text.split('=');
  const resource = limits.find((limit) => limit === name);
  const [softText = '', hardText = softText, ...extra] = values.split(':');
  const soft = parseLimitValue(softText);
  const hard = parseLimitValue(hardText);
  if (resource === undefined || soft === undefined || hard === undefined) return undefined;
  return more.length > 0 || extra.length > 0 ? undefined : { resource, soft, hard };
}

function parseLimitValue(text: string): number | 'none' | undefined {
  if (text === 'unlimited') return 'none';
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}

/** `none`, or `chown,net_raw`: the numbers of what may be kept. */
export function parseCapabilities(text: string): readonly number[] | undefined {
  if (text === 'none') return [];
  const numbers = text.split(',').map(capabilityNumber);
  return numbers.every((number) => number !== undefined) ? numbers : undefined;
}

/** `022` */
export function parseUmask(text: string): number | undefined {
  return /^[0-7]{1,4}$/.test(text) ? Number.parseInt(text, 8) & 0o777 : undefined;
}

/** `7,9`; none at all where the option had no argument. */
export function parseDescriptors(text: string | undefined): readonly number[] | undefined {
  if (text === undefined) return [];
  const numbers = text.split(',').map((word) => (/^[0-9]{1,7}$/.test(word) ? Number(word) : Number.NaN));
  return numbers.some(Number.isNaN) ? undefined : [...new Set(numbers)].filter((number) => number > 2);
}
