// SPDX-License-Identifier: Apache-2.0
import type { OutputStream } from './environment.ts';

export type Capabilities = {
  /** Lines can be drawn again where they stand. */
  readonly canRedraw: boolean;
  readonly hasColor: boolean;
  readonly isUnicode: boolean;
};

/** What a stream can show: by the terminal itself, `TERM`, `NO_COLOR` (no-color.org) and the locale's character set. */
export function capabilitiesOf(
  stream: OutputStream,
  variables: Readonly<Record<string, string | undefined>>,
): Capabilities {
  const set = (name: string): string | undefined => (variables[name] === '' ? undefined : variables[name]);
  const isCapable = stream.isTerminal && set('TERM') !== 'dumb' && set('TERM') !== undefined;
  const locale = set('LC_ALL') ?? set('LC_CTYPE') ?? set('LANG') ?? '';
  return {
    canRedraw: isCapable,
    hasColor: isCapable && set('NO_COLOR') === undefined,
    isUnicode: /utf-?8/i.test(locale),
  };
}
