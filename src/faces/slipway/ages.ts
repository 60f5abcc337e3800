// SPDX-License-Identifier: Apache-2.0

const unitsMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 24 * 3_600_000,
  w: 7 * 24 * 3_600_000,
};

/** `90m`, `12h`, `30d`, `2w` in milliseconds; undefined for anything else. */
export function parseAge(text: string): number | undefined {
  const match = /^([0-9]{1,6})([smhdw])$/.exec(text);
  const unit = unitsMs[match?.[2] ?? ''];
  return unit === undefined ? undefined : Number(match?.[1]) * unit;
}
