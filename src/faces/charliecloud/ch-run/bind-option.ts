// SPDX-License-Identifier: Apache-2.0
import { SlipwayError } from '../../../model/index.ts';

/** As they were typed. */
export type BindOption = { readonly source: string; readonly target: string };

/** `SRC[:DST]`, divided at the first colon. @throws SlipwayError `charliecloud-option` */
export function parseBind(text: string): BindOption {
  const refuse = (reason: string): never => {
    throw new SlipwayError('charliecloud-option', { option: '--bind', reason });
  };
  const colon = text.indexOf(':');
  const source = colon < 0 ? text : text.slice(0, colon);
  const target = colon < 0 ? text : text.slice(colon + 1);
  if (source === '') return refuse('no source provided');
  if (target === '') return refuse('no destination provided');
  if (!target.startsWith('/')) return refuse('destination must be absolute');
  if (/^\/+$/.test(target)) return refuse("destination can't be /");
  return { source, target };
}
